"""What `make bench-refill` trains on and says, without training."""

from __future__ import annotations

from itertools import count, islice
from typing import Any

import pytest

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
from benchmarks import tiny_grpo  # noqa: E402
from benchmarks.build_policy import own_reward  # noqa: E402
from benchmarks.refill import ARMS, figures, prompts  # noqa: E402
from benchmarks.tiny_grpo import GROUP, PROMPTS, GroupedRollouts, Written, with_contrast  # noqa: E402
from verif.data.difficulty import marked  # noqa: E402
from verif.types import Instruction  # noqa: E402

LOADED = (None, type("Tokenizer", (), {"pad_token_id": 9})())


def rows(number: int) -> list[Instruction]:
    return [Instruction(id=str(n), prompt=f"Row {n}.") for n in range(number)]


def taught(
    monkeypatch: pytest.MonkeyPatch, refill: int, flat: set[str]
) -> tuple[GroupedRollouts, list[Written]]:
    """A step whose prompts in `flat` earn the same with every answer; prompts are as long as their number."""

    def answered(
        _loaded: Any, items: list[Instruction], _rewards: Any, _temperature: float
    ) -> GroupedRollouts:
        whole = [item for item in items for _ in range(GROUP)]
        said = [
            Written(item, "", True, float(row % 2 and item.id not in flat), 1)
            for row, item in enumerate(whole)
        ]
        start = max(int(item.id) for item in items) + 1
        ids = torch.tensor([[int(item.id)] * (start + 1) for item in whole])
        return GroupedRollouts(ids, torch.ones_like(ids), start, said)

    monkeypatch.setattr(tiny_grpo, "answered", answered)
    order = iter(rows(200))
    return with_contrast(LOADED, lambda wanted: list(islice(order, wanted)), own_reward, refill)


def test_prompts_without_contrast_are_replaced_as_often_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    flat = {"0", "5", "17"}
    plain, drawn = taught(monkeypatch, 0, flat)
    assert plain.said == drawn
    assert len(drawn) == PROMPTS * GROUP
    once, drawn = taught(monkeypatch, 1, flat)
    assert len(drawn) == (PROMPTS + 2) * GROUP
    assert {w.item.id for w in once.said} & flat == {"17"}, "what is flat after the last draw stays"
    twice, drawn = taught(monkeypatch, 2, flat)
    assert len(drawn) == (PROMPTS + 3) * GROUP
    assert not {w.item.id for w in twice.said} & flat
    assert len(twice.said) == len(once.said) == PROMPTS * GROUP


def test_draws_of_other_lengths_are_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    batch, _ = taught(monkeypatch, 1, {"0"})
    assert batch.ids.shape == batch.mask.shape == (PROMPTS * GROUP, batch.start + 1)
    assert batch.start == 17, "the later draw's prompt is the longest"
    for place, response in enumerate(batch.said):
        own, before = int(response.item.id), batch.start - (16 if int(response.item.id) < 16 else 17)
        assert batch.ids[place].tolist() == [9] * before + [own] * (batch.start + 1 - before)
        assert batch.mask[place].sum() == batch.start + 1 - before


def test_rows_that_teach_most_come_first_and_no_row_is_lost() -> None:
    passed = count()
    items = [marked(item, {"pass_rate": (0.0, 0.5)[next(passed) % 2], "decided": 8}) for item in rows(200)]
    for arm in ARMS:
        drawn = list(islice(prompts(items, arm, 1), 400))
        assert sorted(item.id for item in drawn[:200]) == sorted(item.id for item in items)
        assert drawn[:200] == drawn[200:]
    first = [item.meta["difficulty"]["pass_rate"] for item in islice(prompts(items, "pass_rate", 1), 50)]
    assert first.count(0.5) > 30
    assert list(islice(prompts(items, "refill", 1), 9)) == list(islice(prompts(items, "plain", 1), 9))


def test_gains_are_told_at_equal_updates_and_at_equal_tokens() -> None:
    def run(followed: int, equal: int) -> dict[str, Any]:
        at = [[float(place < share) for place in range(40)] for share in (followed, equal)]
        spent = {
            "tokens": 9,
            "cpu_seconds": 1.0,
            "at_tokens": 60,
            "no_contrast": 0.25,
            "no_contrast_drawn": 0.5,
        }
        return {"followed": at[0], "equal_tokens": at[1], **spent}

    runs = {(arm, seed): run(20, 20) for arm in ARMS for seed in (1, 2)} | {("start", 0): run(10, 10)}
    runs |= {("refill", seed): run(24, 16) for seed in (1, 2)}
    told = figures(runs, [])
    assert (told["start"], told["plain"], told["refill"]) == (0.25, 0.5, 0.6)
    assert (told["refill_minus_plain"], told["refill_minus_plain_equal_tokens"]) == (10, -10)
    assert told["pass_rate_minus_plain"] == 0
    assert told["no_contrast"]["plain"] == 0.25
