"""Prometheus metrics of the service; their totals reconcile with what its clients received."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from verif.types import Verification

if TYPE_CHECKING:
    from verif.core.verifier import Verifier
    from verif.service.batch import Batcher

_SECONDS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 180)


class Metrics:
    """Counters and histograms of one service; `render` is the body of `/metrics`."""

    def __init__(self, verifier: Verifier, batcher: Batcher) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "verif_requests", "Requests for verifications by HTTP status.", ["status"], registry=self.registry
        )
        self.received = Counter("verif_items", "Items accepted for verification.", registry=self.registry)
        self.answered = Counter(
            "verif_verifications", "Verifications sent, by reward state.", ["state"], registry=self.registry
        )
        self.aside = Counter(
            "verif_aside",
            "Verifications sent to a watch, by reward state.",
            ["state"],
            registry=self.registry,
        )
        self.verdicts = Counter(
            "verif_verdicts", "Verdicts by part and status.", ["part", "status"], registry=self.registry
        )
        self.cached = Counter(
            "verif_verdicts_cached", "Verdicts that cost nothing (cache or dedupe).", registry=self.registry
        )
        self.tokens = Counter("verif_judge_tokens", "Judge tokens.", ["kind"], registry=self.registry)
        self.request_seconds = Histogram(
            "verif_request_seconds", "From request to last verdict.", buckets=_SECONDS, registry=self.registry
        )
        self.judge_seconds = Histogram(
            "verif_judge_seconds", "Of one judge verdict.", buckets=_SECONDS, registry=self.registry
        )
        self.queue_items = Histogram(
            "verif_queue_items",
            "Items pending when a request arrives.",
            buckets=(0, 1, 4, 16, 64, 256, 1024, 4096),
            registry=self.registry,
        )
        self.registry.register(_Live(verifier, batcher))

    def count(self, answers: Sequence[Verification], *, aside: bool = False) -> None:
        """Verifications are being sent: totals first, so that each label is looked up once.

        What is asked aside is work like any other, but none of a run's rewards.
        """
        states = Tally(verification.reward.state for verification in answers)
        statuses: Tally[tuple[str, str]] = Tally()
        cached = prompt = completion = 0
        for verification in answers:
            for verdict in verification.verdicts:
                part, cost = verdict.part.partition(":")[0] or "none", verdict.cost
                statuses[part, verdict.status.value] += 1
                cached += cost.cached
                if part == "judge" and not cost.cached:
                    self.judge_seconds.observe(cost.seconds)
                    prompt += cost.prompt_tokens
                    completion += cost.completion_tokens
        for state, number in states.items():
            (self.aside if aside else self.answered).labels(state).inc(number)
        for labels, number in statuses.items():
            self.verdicts.labels(*labels).inc(number)
        self.cached.inc(cached)
        self.tokens.labels("prompt").inc(prompt)
        self.tokens.labels("completion").inc(completion)

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)


class _Live(Collector):
    """Figures that others keep, read when asked for."""

    def __init__(self, verifier: Verifier, batcher: Batcher) -> None:
        self.verifier, self.batcher = verifier, batcher

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Gauges and counters of batcher, cache, judge client and sandbox."""
        verifier = self.verifier
        yield GaugeMetricFamily("verif_pending_items", "Items without an answer.", value=self.batcher.pending)
        yield GaugeMetricFamily(
            "verif_pending_items_peak", "Most items without an answer at once.", value=self.batcher.peak
        )
        yield CounterMetricFamily("verif_batches", "Batches verified.", value=self.batcher.batches)
        yield CounterMetricFamily(
            "verif_judge_calls", "Questions put to the judge.", value=verifier.judge_calls
        )
        saved = CounterMetricFamily(
            "verif_judge_calls_saved", "Questions not put to the judge.", labels=["cause"]
        )
        for cause in ("absent", "cache", "dedupe", "short-circuit"):
            saved.add_metric([cause], verifier.saved[cause])
        yield saved
        if verifier.cache is not None:
            events = CounterMetricFamily("verif_cache_events", "Verdict cache.", labels=["event"])
            for event in ("hits", "misses", "corrupt", "failed_writes"):
                events.add_metric([event], getattr(verifier.cache, event))
            yield events
        judge: Any = verifier.judge
        small = getattr(judge, "small", None)
        if small is not None:
            by = CounterMetricFamily(
                "verif_cascade_decisions", "Judge verdicts by the judge that decided.", labels=["by"]
            )
            by.add_metric(["small"], judge.decided_small)
            by.add_metric(["large"], judge.asked_large)
            yield by
            judge = judge.large  # the one that is dear
        client = getattr(judge, "client", None)
        if client is not None:
            yield GaugeMetricFamily(
                "verif_judge_limit", "Requests the judge gets at once.", value=client.limit.limit
            )
            yield GaugeMetricFamily(
                "verif_judge_in_flight", "Requests at the judge.", value=client.limit.in_flight
            )
            yield GaugeMetricFamily(
                "verif_judge_waiting", "Questions that wait for a slot.", value=client.limit.waiting
            )
            yield GaugeMetricFamily(
                "verif_judge_down",
                "Judge servers whose breaker is open.",
                value=sum(e.open for asked in (small, judge) if asked for e in asked.client.endpoints),
            )
            events = CounterMetricFamily(
                "verif_judge_events", "Attempts, retries and failures.", labels=["event"]
            )
            for event, count in sorted(client.counts.items()):
                events.add_metric([event], count)
            yield events
        restarts = getattr(verifier.sandbox, "restarts", None)
        if restarts is not None:
            yield CounterMetricFamily("verif_sandbox_restarts", "Sandbox workers replaced.", value=restarts)
