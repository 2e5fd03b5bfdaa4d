"""Minimal edits that a rule must notice, in both directions: for IFEval's rules and the local world's."""

from verif.audit.mutations import counted, local, other
from verif.audit.mutations.base import MUTATORS, Edits
from verif.audit.mutations.generate import Mutation, generate, mutator

__all__ = ["MUTATORS", "Edits", "Mutation", "counted", "generate", "local", "mutator", "other"]
