"""Minimal edits that a rule must notice, in both directions: for IFEval's rules and the local world's."""
