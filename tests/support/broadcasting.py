"""Processes that send and receive weights as workers of a trainer and of its generator do."""

from __future__ import annotations

import asyncio
from multiprocessing.connection import Connection
from typing import Any

import torch

SENT = [
    ("layer.weight", torch.arange(6.0).view(2, 3).t()),  # not contiguous
    ("embeddings", torch.ones(3, dtype=torch.bfloat16)),
    ("scale", torch.tensor(2.5)),
    ("nothing", torch.zeros(0, 3)),
]


def take_part(pipe: Connection, trains: bool, master: bool) -> None:
    """A worker of trainer or generator, as veRL's manager leads it."""
    from verif.training.verl.weights import Broadcast

    engine = Broadcast(bucket_size=1, is_master=master)
    for _ in range(2):  # weights go out more than once
        pipe.send(engine.prepare())
        engine.init_process_group(**pipe.recv())
        if trains:
            asyncio.run(engine.send_weights(iter(SENT), global_steps=3))
            pipe.send([])
        else:
            pipe.send(asyncio.run(received(engine)))
        engine.finalize()


async def received(engine: Any) -> list[tuple[str, torch.Tensor]]:
    return [(name, tensor) async for name, tensor in engine.receive_weights(global_steps=3)]
