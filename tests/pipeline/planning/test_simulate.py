"""The simulator: what must hold for any draw, and cases whose answer is known."""

from __future__ import annotations

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.pipeline.planning.simulate import Decoder, cycle, generate, judge, step

seconds = st.floats(0, 100, allow_nan=False)
service = st.one_of(st.just(0.0), st.floats(0.01, 100))
jobs = st.lists(st.tuples(seconds, service), min_size=1, max_size=60)
lengths = st.lists(st.integers(1, 300), min_size=1, max_size=60)
slots = st.integers(1, 70)


@given(jobs, slots, slots, seconds)
def test_more_judges_never_make_a_step_slower(found, few, more, train):
    arrivals, services = zip(*found, strict=True)
    slow = step(arrivals, services, few, train)
    fast = step(arrivals, services, few + more, train)
    assert fast.step_s <= slow.step_s + 1e-9
    assert fast.idle_share <= slow.idle_share + 1e-9


@given(jobs, slots)
def test_each_rollout_is_judged_once_and_no_slot_twice_at_a_time(found, servers):
    arrivals, services = zip(*found, strict=True)
    done = judge(arrivals, services, servers)
    assert len(done) == len(found)
    busy: list[tuple[float, float]] = []
    for arrival, service, end in zip(arrivals, services, done, strict=True):
        assert end >= arrival + service - 1e-9
        if service:
            busy.append((end - service, end))
    running: list[float] = []
    for start, end in sorted(busy):
        while running and running[0] <= start + 1e-6:
            heapq.heappop(running)
        heapq.heappush(running, end)
        assert len(running) <= servers


@pytest.mark.slow
@given(jobs, slots, seconds, st.booleans())
def test_a_step_adds_up(found, servers, train, overlapped):
    arrivals, services = zip(*found, strict=True)
    one = step(arrivals, services, servers, train, overlapped=overlapped)
    assert 0 <= one.idle_share <= 1
    assert one.judged == sum(s > 0 for s in services)
    assert one.step_s == pytest.approx(one.generated_s + one.wait_s + one.train_s)
    assert one.wait_s >= 0


@given(jobs, slots, seconds)
def test_judging_while_others_generate_is_never_slower(found, servers, train):
    arrivals, services = zip(*found, strict=True)
    after = step(arrivals, services, servers, train, overlapped=False)
    assert step(arrivals, services, servers, train).step_s <= after.step_s + 1e-9


@given(lengths, st.integers(1, 8), st.integers(1, 20))
def test_longer_responses_end_later_and_every_token_is_paid_for(tokens, engines, at_once):
    decoder = Decoder(0.5, 0.25, 2.0, slots=at_once)
    ends = generate(decoder, tokens, engines)
    for engine in range(engines):
        mine = list(zip(tokens[engine::engines], ends[engine::engines], strict=True))
        if len(mine) <= at_once:  # all start together
            assert [e for _, e in sorted(mine)] == sorted(e for _, e in mine)
        if mine:
            last = max(e for _, e in mine) - 2.0
            total = sum(t for t, _ in mine)
            assert 0.25 * total + 0.5 * total / min(at_once, len(mine)) <= last + 1e-6 <= 0.75 * total + 1e-5


def test_equal_rollouts_in_waves_are_known_exactly():
    """12 verdicts of 5 s on 4 slots, all at 10 s: three waves, 25 s; with 100 slots 15 s; then 3 s of training."""
    four = step([10.0] * 12, [5.0] * 12, 4, 3.0)
    assert (four.rewarded_s, four.step_s, four.wait_s) == (25.0, 28.0, 15.0)
    assert four.idle_share == 15 / 28
    assert step([10.0] * 12, [5.0] * 12, 100, 3.0).step_s == 18.0


def test_a_single_slot_is_a_queue_with_a_known_end():
    """Arrivals each second, service 2 s: the n-th ends at 2n (Lindley's recursion)."""
    assert judge([0.0, 1.0, 2.0, 3.0], [2.0] * 4, 1) == [2.0, 4.0, 6.0, 8.0]


def test_a_decoder_is_known_exactly():
    """Iterations of 1 s and 1 s for each active rollout: 3 active for 1 token, 2 for the next, 1 for the last."""
    assert Decoder(1.0, 1.0).finishes([1, 2, 3]) == [4.0, 7.0, 9.0]
    assert Decoder(1.0, 1.0, start_s=2.0, slots=1).finishes([1, 2, 3]) == [4.0, 8.0, 14.0]


def test_a_rollout_without_a_judge_call_takes_no_slot():
    assert judge([0.0, 0.0, 0.0], [4.0, 0.0, 4.0], 1) == [4.0, 0.0, 8.0]


def test_no_slot_is_an_error():
    with pytest.raises(ValueError, match="slot"):
        judge([0.0], [1.0], 0)


@given(jobs, slots, seconds, st.integers(1, 20))
def test_a_cycle_of_one_is_a_step_and_overlapping_is_never_slower(found, servers, train, updates):
    arrivals, services = zip(*found, strict=True)
    plain = cycle(arrivals, services, servers, train, updates)
    beside = cycle(arrivals, services, servers, train, updates, overlap=True)
    assert cycle(arrivals, services, servers, train, 1).step_s == pytest.approx(
        step(arrivals, services, servers, train).step_s
    )
    assert beside.cycle_s <= plain.cycle_s
    for one in (plain, beside):
        assert 0 <= one.wait_share <= 1
        assert -1e-9 <= one.generator_idle_share <= 1
