"""Golden responses for rows that rules decide: each rule brings a text that follows and one that does not."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from verif.core.rules import get
from verif.data.composed.styles import worded
from verif.data.splits import GoldenItem
from verif.types import Instruction, RuleConstraint

EXAMPLES = 8
"""Instructions at most to which a rule's example is an answer: it is asked for in several wordings."""


def rule_examples(
    rules: Sequence[str], rng: random.Random, wordings: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> list[GoldenItem]:
    """Responses whose truth is known: of each rule the text that follows, and the one that fails.

    They are the rules' own examples. `wordings`: further words for a rule beside its own.
    """
    out: list[GoldenItem] = []
    for rule in sorted(set(rules)):
        spec = get(rule)
        if spec.example is None or not spec.asks:
            continue
        params, follows, fails = spec.example
        said = (spec.asks, *wordings.get(rule, ()))
        for wording in rng.sample(said, min(EXAMPLES, len(said))):
            text = worded(wording, params)
            item = Instruction(
                id=f"golden-{len(out)}", prompt=f"Write what you like. {text}",
                constraints=(RuleConstraint(text=text, rule=rule, params=params),),
            )  # fmt: skip
            out += [GoldenItem(item, follows, [True]), GoldenItem(item, fails, [False])]
    return out
