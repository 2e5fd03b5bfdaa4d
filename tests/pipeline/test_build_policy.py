"""What `make bench-build` rewards a policy for, and how it says what built rows teach less."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from verif.core.sandbox.sandbox import Sandbox
from verif.data.difficulty import outside, pass_rate
from verif.data.world.responses import reference
from verif.errors import InputError
from verif.types import CheckerConstraint, Instruction, RuleConstraint, SoftConstraint

pytestmark = pytest.mark.slow
pytest.importorskip("torch")
from benchmarks import build_policy  # noqa: E402
from benchmarks.tiny_grpo import Written  # noqa: E402

QUESTION = "Write about the harbour."
LIMIT = RuleConstraint(text="Use at most 12 words.", rule="local:max_words", params={"n": 12})


def rewarded(said: list[tuple[str, bool]], *constraints: Any) -> list[float | None]:
    row = Instruction(id="1", prompt=QUESTION, constraints=constraints)
    with Sandbox() as sandbox:
        reward = build_policy.BuiltReward([row], [QUESTION], sandbox)
        return reward([Written(row, text, finished) for text, finished in said])


def harbour() -> str:
    """A response of the world that keeps to the question and to the limit."""
    import random

    wishes = [["topic", "harbour"], ["max_words", 12]]
    item = Instruction(id="w", prompt=QUESTION, meta={"world": {"wishes": wishes}})
    return reference(item, random.Random(1))


def test_a_response_must_keep_rules_soft_constraints_and_the_question_itself() -> None:
    text = harbour()
    assert rewarded([(text, True), (text, False)], LIMIT) == [1.0, 0.0]
    assert rewarded([("Harbour boat the the.", True)], LIMIT) == [0.0], "no sentence of the world"
    narrow = LIMIT.model_copy(update={"params": {"n": 1}})
    assert rewarded([(text, True)], narrow) == [0.0]


def test_a_checker_that_cannot_be_run_gives_no_reward() -> None:
    broken = CheckerConstraint(
        text="Be short.", source="def check_following(instruction, response):\n    return 1 / 0\n"
    )
    assert rewarded([(harbour(), True)], broken) == [None]


def test_a_soft_constraint_whose_truth_is_not_known_is_an_error() -> None:
    with pytest.raises(InputError, match="no wording"):
        rewarded([(harbour(), True)], SoftConstraint(text="Be kind."))


def test_built_rows_are_rated_by_what_was_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Instruction(id=str(n), prompt=f"Row {n}.") for n in range(20)]
    rewards: dict[str, list[float | None]] = {
        "0": [1.0] * 8,
        "1": [1.0, 0.0] * 4,
        "2": [None, 1.0] + [0.0] * 6,
        "3": [None] * 8,
    }

    def answered(_loaded: Any, items: list[Instruction], _rewards: Any) -> Any:
        said = [Written(i, "", True, r) for i in items for r in rewards.get(i.id, [0.0] * 8)]
        return SimpleNamespace(said=said)

    monkeypatch.setattr(build_policy, "answered", answered)
    rated = build_policy.rated((None, None), rows, build_policy.own_reward, 1)
    assert [item.id for item in rated] == [row.id for row in rows]
    assert [pass_rate(item) for item in rated[:5]] == [1.0, 0.5, 1 / 7, None, 0.0]
    kept = [item.id for item in rated if not outside(item, build_policy.PASS_RATE)]
    assert kept == ["1", "2"]


def test_the_gap_is_positive_where_the_worlds_own_rows_teach_more() -> None:
    run = {"start": [0.0] * 40, "own": [1.0] * 30 + [0.0] * 10, "built": [1.0] * 20 + [0.0] * 20}
    told = build_policy.gap([run, run])
    assert told["policy_gap"] == 25.0
    assert told["policy_gap_interval"][0] > 0
    assert told["followed"] == {"start": [0.0, 0.0], "own": [0.75, 0.75], "built": [0.5, 0.5]}
