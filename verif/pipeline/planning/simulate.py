"""Discrete-event simulation of one training step: rollouts end, judges judge, then the trainer trains.

Pure and small: lists of seconds in, seconds out. What varies (lengths, service times) is drawn by the caller,
so that two settings can be compared under the same draws. Not modelled: retries, errors, the network, a
verifier service that is itself the bottleneck.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Decoder:
    """A rollout engine. One iteration gives each active rollout one token.

    It takes `iteration_s + per_rollout_s * active` seconds; `start_s` passes before the first; at most `slots`
    rollouts are active, the rest wait in order.
    """

    iteration_s: float
    per_rollout_s: float
    start_s: float = 0.0
    slots: int = 1_000_000

    def finishes(self, tokens: Sequence[int]) -> list[float]:
        """When each rollout ends, in seconds after the step's beginning; `tokens` are response lengths."""
        ends = [self.start_s] * len(tokens)
        waiting = iter(range(len(tokens)))
        active: list[tuple[int, int]] = []  # (iteration after which it ends, rollout)
        now, iteration = self.start_s, 0
        for index in waiting:
            heapq.heappush(active, (tokens[index], index))
            if len(active) >= self.slots:
                break
        while active:
            last, index = heapq.heappop(active)
            now += (last - iteration) * (self.iteration_s + self.per_rollout_s * (len(active) + 1))
            iteration, ends[index] = last, now
            if (following := next(waiting, None)) is not None:
                heapq.heappush(active, (iteration + tokens[following], following))
        return ends


def generate(decoder: Decoder, tokens: Sequence[int], engines: int = 1) -> list[float]:
    """Ends of all rollouts when they are dealt to `engines` equal engines in turn."""
    ends = [0.0] * len(tokens)
    for engine in range(engines):
        ends[engine::engines] = decoder.finishes(tokens[engine::engines])
    return ends


def judge(arrivals: Sequence[float], services: Sequence[float], servers: int) -> list[float]:
    """When each rollout has its reward: first come, first served by `servers` judge slots.

    A service time of 0 is a rollout that needs no judge (its verdict is there at once, no slot is taken).
    """
    if servers < 1:
        raise ValueError("at least one judge slot is needed")
    done = list(arrivals)
    free = [0.0] * min(servers, max(1, len(arrivals)))
    for index in sorted(range(len(arrivals)), key=lambda i: (arrivals[i], i)):
        if services[index] > 0:
            start = max(arrivals[index], free[0])
            done[index] = start + services[index]
            heapq.heapreplace(free, done[index])
    return done


@dataclass(frozen=True)
class SimulatedStep:
    """One simulated step, in seconds. Trainer and rollout GPUs are idle while only rewards are awaited."""

    generated_s: float
    rewarded_s: float
    train_s: float
    judged: int
    judge_busy_s: float

    @property
    def step_s(self) -> float:
        """The whole step."""
        return self.rewarded_s + self.train_s

    @property
    def wait_s(self) -> float:
        """From the last rollout's end to the last reward."""
        return self.rewarded_s - self.generated_s

    @property
    def idle_share(self) -> float:
        """Share of the step in which rewards are awaited."""
        return self.wait_s / self.step_s if self.step_s else 0.0


def step(
    ends: Sequence[float], services: Sequence[float], servers: int, train_s: float, *, overlapped: bool = True
) -> SimulatedStep:
    """A step from the rollouts' ends; `overlapped=False` starts judging only after the last of them."""
    generated = max(ends, default=0.0)
    done = judge(ends if overlapped else [generated] * len(ends), services, servers)
    return SimulatedStep(
        generated, max(done, default=0.0), train_s, sum(s > 0 for s in services), float(sum(services))
    )


@dataclass(frozen=True)
class SimulatedCycle:
    """Rollouts for several updates, then the updates; with `overlap` the next cycle's rollouts beside them. Seconds."""

    generated_s: float
    rewarded_s: float
    train_s: float
    updates: int
    overlap: bool

    @property
    def cycle_s(self) -> float:
        """The whole cycle."""
        learning = self.updates * self.train_s
        return max(self.rewarded_s, learning) if self.overlap else self.rewarded_s + learning

    @property
    def step_s(self) -> float:
        """One update with its share of the rollouts."""
        return self.cycle_s / self.updates

    @property
    def wait_share(self) -> float:
        """Share of the time in which the trainer awaits rewards alone."""
        waited = self.rewarded_s - self.generated_s
        if self.overlap:
            waited = min(waited, max(0.0, self.rewarded_s - self.updates * self.train_s))
        return waited / self.cycle_s if self.cycle_s else 0.0

    @property
    def generator_idle_share(self) -> float:
        """Share of the time in which the generator has nothing to do."""
        return 1 - self.generated_s / self.cycle_s if self.cycle_s else 0.0


def cycle(
    ends: Sequence[float],
    services: Sequence[float],
    servers: int,
    train_s: float,
    updates: int,
    *,
    overlap: bool = False,
) -> SimulatedCycle:
    """A cycle from the ends of all its rollouts; `train_s` is one update."""
    done = judge(ends, services, servers)
    return SimulatedCycle(max(ends, default=0.0), max(done, default=0.0), train_s, updates, overlap)
