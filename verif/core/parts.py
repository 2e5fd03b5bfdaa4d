"""The parts of a verifier, named by digest: what a verdict's key and a verifier's identity are made of."""

from __future__ import annotations

from collections.abc import Container

from verif.core.answers import reference
from verif.core.deciding import code_digest, rules_digest
from verif.core.rules import rules
from verif.system.files import digest
from verif.types import Reasoning


def make_parts(
    *,
    formula: str,
    unscorable_reward: float,
    reasoning: Reasoning,
    judge: str,
    sandbox: str,
    references: str = "",
    plugins: str = "",
) -> dict[str, str]:
    """What a verifier consists of, by digest; the same function names it before and after it is started.

    `references` names rules and model together; "" are the rules alone.
    `plugins` is the digest of all plugins' sources, which stand for what they register.
    """
    parts = {
        "formula": formula,
        "unscorable_reward": repr(unscorable_reward),
        "reasoning": reasoning,
        "rules": rules_part(),
        "references": references or reference.part(),
        "joining": code_digest("joining"),
        "sandbox": sandbox,
        "judge": judge,
    }
    return parts | ({"plugins": plugins} if plugins else {})


def rules_part(asked: Container[str] | None = None) -> str:
    """The rules as a part: all of verif's own, or those that are asked, with the code that these run.

    A plugin's rules are its own part.
    """
    own = [spec for spec in rules().values() if not spec.plugin and (asked is None or spec.id in asked)]
    modules = tuple(sorted({spec.check.__module__ for spec in own}))
    return digest(
        [code_digest("rules") if asked is None else rules_digest(modules), *sorted(spec.part for spec in own)]
    )
