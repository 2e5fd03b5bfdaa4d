"""Rollouts that end together are put together: the same rows and tags, each once, and an error reaches all who wait."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest

from verif.training.verl.patches import grouped_puts
from verif.training.verl.patches.grouped_puts import GatheringQueue


class Store:
    """Stands in for TransferQueue; `calls` are what it was given."""

    def __init__(self, broken: bool = False) -> None:
        self.calls: list[dict[str, Any]] = []
        self.broken = broken

    async def async_kv_batch_put(self, **call: Any) -> None:
        if self.broken:
            raise RuntimeError("the queue is gone")
        self.calls.append(call)

    async def async_kv_put(self, key: str) -> str:
        return f"put {key}"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouped_puts, "WINDOW_S", 0.02)


def row(n: int) -> dict[str, Any]:
    return {"ids": [n], "uid": f"u{n}"}


async def put(queue: GatheringQueue, n: int, partition: str = "train", **more: Any) -> None:
    await queue.async_kv_batch_put(
        keys=[f"k{n}"], partition_id=partition, fields=[row(n) | more], tags=[{"n": n}]
    )


async def test_rows_that_come_together_are_one_call_and_later_ones_the_next() -> None:
    store = Store()
    queue = GatheringQueue(store, list)
    await asyncio.gather(*(put(queue, n) for n in range(5)))
    await put(queue, 5)
    assert [call["keys"] for call in store.calls] == [[f"k{n}" for n in range(5)], ["k5"]]
    assert store.calls[0]["fields"] == [row(n) for n in range(5)]
    assert store.calls[0]["tags"] == [{"n": n} for n in range(5)]


async def test_partitions_and_rows_with_other_fields_stay_apart() -> None:
    store = Store()
    queue = GatheringQueue(store, list)
    await asyncio.gather(put(queue, 0), put(queue, 1, "val"), put(queue, 2, routed=[1]), put(queue, 3))
    calls = {(call["partition_id"], *call["keys"]) for call in store.calls}
    assert calls == {("train", "k0", "k3"), ("val", "k1"), ("train", "k2")}


async def test_nobody_goes_on_before_the_rows_are_there_and_an_error_reaches_all() -> None:
    queue = GatheringQueue(Store(broken=True), list)
    said = await asyncio.gather(*(put(queue, n) for n in range(3)), return_exceptions=True)
    assert [str(error) for error in said] == ["the queue is gone"] * 3


async def test_who_is_cancelled_takes_nobodys_rows_along() -> None:
    store = Store()
    queue = GatheringQueue(store, list)
    first, second = asyncio.create_task(put(queue, 0)), asyncio.create_task(put(queue, 1))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert store.calls[0]["keys"] == ["k0", "k1"]


async def test_all_else_is_the_queues_own_and_a_copy_begins_empty() -> None:
    queue = GatheringQueue(Store(), list)
    assert await queue.async_kv_put("x") == "put x"
    copy = pickle.loads(pickle.dumps(queue))  # as Ray sends it to its workers
    await put(copy, 1)
    assert [call["keys"] for call in copy._queue.calls] == [["k1"]]


@pytest.mark.slow
async def test_rows_made_together_are_those_made_alone() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("verl")
    from verl.utils.tensordict_utils import list_of_dict_to_tensordict as make

    rows = [
        {"ids": torch.arange(n + 2), "raw_prompt": [{"role": "user", "content": str(n)}] * (n + 1), "extra": {"n": n}}
        for n in range(3)
    ]  # fmt: skip
    together = make(rows)
    for number, alone in enumerate(make([row]) for row in rows):
        assert torch.equal(together["ids"][number], alone["ids"][0])
        for name in ("raw_prompt", "extra"):
            assert together[name][number] == alone[name][0]
