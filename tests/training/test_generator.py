"""A generator on devices of its own: what is sent arrives as it was, and nothing sends the generator to sleep."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("verl")
import torch
from support.broadcasting import SENT, take_part


@pytest.mark.slow
def test_every_tensor_arrives_at_every_worker_of_the_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    trainers, generators = 2, 2
    for name, value in {
        "VERL_PLATFORM": "cpu",
        "VERIF_DEVICE": "cpu",
        "VERL_USE_EXTERNAL_MODULES": "verif.training.verl.plugin",
    }.items():
        monkeypatch.setitem(os.environ, name, value)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["verif.training.verl.weights"])  # imported once
    workers = []
    for number in range(trainers + generators):
        ours, theirs = context.Pipe()
        process = context.Process(
            target=take_part, args=(theirs, number < trainers, number == 0), daemon=True
        )
        process.start()
        workers.append((process, ours))

    from verif.training.verl.weights import Broadcast

    for _ in range(2):
        metadata = [answer(pipe) for _, pipe in workers]
        assert [bool(said) for said in metadata] == [True] + [False] * (len(workers) - 1)
        sender, receiver = Broadcast.build_topology(trainers, generators, metadata)
        places = [
            {key: values[number] for key, values in kind.items()}
            for kind, count in ((sender, trainers), (receiver, generators))
            for number in range(count)
        ]
        for (_, pipe), place in zip(workers, places, strict=True):
            pipe.send(place)
        for number, (_, pipe) in enumerate(workers):
            arrived = answer(pipe)
            if number < trainers:
                continue
            assert [name for name, _ in arrived] == [name for name, _ in SENT]
            for (_, was), (_, now) in zip(SENT, arrived, strict=True):
                assert now.dtype == was.dtype
                assert torch.equal(now, was)
    for process, _ in workers:
        process.join(30)
        assert process.exitcode == 0


def answer(pipe: Connection) -> Any:
    assert pipe.poll(120), "no answer"
    return pipe.recv()


def test_a_generator_of_its_own_is_started_gets_the_weights_and_never_sleeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from verif.training.verl import generator

    called = []
    monkeypatch.setattr(
        generator.PPOTrainerSync, "__init__", lambda self, config: setattr(self, "config", config)
    )
    monkeypatch.setattr(generator.PPOTrainerSync, "_setup", lambda _: called.append("veRL"))
    servers = SimpleNamespace(get_replicas=lambda: ["replica"])
    monkeypatch.setattr(
        generator.LLMServerManager, "create", lambda config: called.append("servers") or servers
    )
    monkeypatch.setattr(generator, "omega_conf_to_dataclass", lambda value: value)
    monkeypatch.setattr(
        generator.CheckpointEngineManager, "__init__", lambda self, **given: called.append(given["replicas"])
    )

    class Hybrid(SimpleNamespace):
        def get(self, name: str, default: Any) -> Any:
            return getattr(self, name, default)

    for hybrid, expected in ((True, ["veRL"]), (False, ["veRL", "servers", ["replica"]])):
        called.clear()
        rollout = SimpleNamespace(checkpoint_engine=None)
        trainer = generator.PlacedTrainer(
            SimpleNamespace(actor_rollout_ref=Hybrid(hybrid_engine=hybrid, rollout=rollout))
        )
        trainer.actor_rollout_wg = None
        trainer._setup()
        assert called == expected
    trainer.checkpoint_manager.sleep_replicas()
    assert called == expected, "nothing was asked of a generator"
