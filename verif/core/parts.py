"""The parts of a verifier, named by digest: what a verdict's key and a verifier's identity are made of."""

from __future__ import annotations

from verif.core.answers import reference
from verif.core.deciding import code_digest
from verif.core.rules import rules
from verif.system.files import digest


def make_parts(
    *,
    formula: str,
    unscorable_reward: float,
    policy_thinks: bool,
    judge: str,
    sandbox: str,
    plugins: str = "",
) -> dict[str, str]:
    """What a verifier consists of, by digest; the same function names it before and after it is started.

    `plugins` is the digest of all plugins' sources, which stand for what they register.
    """
    parts = {
        "formula": formula,
        "unscorable_reward": repr(unscorable_reward),
        "policy_thinks": str(policy_thinks),
        "rules": digest(
            [code_digest("rules"), *sorted(spec.part for spec in rules().values() if not spec.plugin)]
        ),
        "references": reference.part(),
        "joining": code_digest("joining"),
        "sandbox": sandbox,
        "judge": judge,
    }
    return parts | ({"plugins": plugins} if plugins else {})
