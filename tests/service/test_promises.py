"""What breaks is an error and never a fail; what decides a verdict is in its key, what decides a reward in the identity."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.harness import item, recipe

from verif.core import checks
from verif.core.cache import VerdictCache
from verif.core.verifier import Verifier
from verif.errors import SandboxError
from verif.service.identity import identity_of
from verif.types import CheckerConstraint, Instruction, Item, Response, Status, Verification


class Sandbox:
    """Passes where the instruction asks for poetry; or fails as a whole."""

    version = "1"

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken

    def check_group(self, instruction: str, sources: Any, responses: Any) -> Any:
        if self.broken:
            raise SandboxError("the workers are gone.")
        status = Status.PASS if "poem" in instruction else Status.FAIL
        return [[SimpleNamespace(status=status, reason="", seconds=0.0) for _ in sources] for _ in responses]

    def close(self) -> None:
        return


async def verify(verifier: Verifier, *items: Item) -> list[Verification]:
    try:
        return [found async for found in verifier.verify(items)]
    finally:
        await verifier.close()


def checked(prompt: str) -> Item:
    checker = CheckerConstraint(text="c", source="def check_following(i, r):\n    return 'poem' in i\n")
    instruction = Instruction(id=prompt, prompt=prompt, constraints=(checker,))
    return Item(id=prompt, instruction=instruction, response=Response(text="A boat."))


async def test_a_rule_that_breaks_is_an_error_and_no_reward(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(checks, "check", breaks)
    (found,) = await verify(Verifier(), item(1, "good", soft=False))
    assert found.statuses(1) == [Status.ERROR]
    assert (found.reward.value, found.reward.state) == (None, "error")
    assert "division by zero" in found.verdicts[0].reason


async def test_a_sandbox_that_fails_is_an_error_and_is_not_remembered(tmp_path: Path) -> None:
    for _ in range(2):
        cache = VerdictCache(tmp_path / "c")
        (found,) = await verify(Verifier(sandbox=Sandbox(broken=True), cache=cache), checked("a poem"))
        assert found.statuses(1) == [Status.ERROR]
        assert (found.reward.value, found.reward.state) == (None, "error")
    (found,) = await verify(
        Verifier(sandbox=Sandbox(), cache=VerdictCache(tmp_path / "c")), checked("a poem")
    )
    assert found.reward.value == 1.0


async def test_a_checkers_verdict_is_kept_for_its_instruction_only(tmp_path: Path) -> None:
    """A checker reads the instruction too: the same answer to another one is another question."""
    rewards = []
    for prompt in ("a poem", "a list"):
        verifier = Verifier(sandbox=Sandbox(), cache=VerdictCache(tmp_path / "c"))
        rewards += [found.reward.value for found in await verify(verifier, checked(prompt))]
    assert rewards == [1.0, 0.0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes", [{"reasoning": "think"}, {"formula": "product"}, {"unscorable_reward": -1.0}]
)
def test_what_changes_rewards_is_in_the_identity(changes: dict[str, Any]) -> None:
    assert identity_of(recipe(**changes), None) != identity_of(recipe(), None)
    made = Verifier(**changes)
    assert made.identity != Verifier().identity
