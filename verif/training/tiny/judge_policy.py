"""A tiny judge as a policy: supervised on questions with their answers, before reinforcement goes on with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from verif.data.judgements.answers import BETTER, CLOSE, FAIL, PASS
from verif.recipe import TinyModel
from verif.training.tiny.pretrain import Trained, from_scratch

WHOLE = (CLOSE, PASS, FAIL)  # one token each: a verdict takes 14 steps of the server, not 19
PROMPT_WEIGHT = 0.5
"""Of the loss on what the judge reads: it learns the words' classes from it, and where language breaks."""


def train_as_policy(
    section: TinyModel, pairs: Sequence[tuple[str, str]], folder: Path, threads: int = 1
) -> Trained:
    """Train a judge from (question, answer) pairs about one response or about two, and write it to `folder`."""
    return from_scratch(section, pairs, folder, "judge", PROMPT_WEIGHT, threads, (*WHOLE, *BETTER.values()))
