"""The intervals cover at their stated rate, and the tests reject at theirs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from verif.stats import Interval, bootstrap_mean, cohens_kappa, holm, macro, paired_bootstrap, proportion


def coverage(draw, truth: float, trials: int, samples: int = 600) -> float:
    """The share of simulated data sets whose interval holds the truth."""
    hits = 0
    for trial in range(trials):
        values, clusters = draw(np.random.default_rng(trial))
        interval = bootstrap_mean(values, clusters, samples=samples, seed=trial)
        hits += interval.low <= truth <= interval.high
    return hits / trials


@pytest.mark.slow
@pytest.mark.parametrize(("n", "share"), [(40, 0.5), (150, 0.3)])
def test_interval_of_a_share_covers_95_percent(n: int, share: float) -> None:
    observed = coverage(lambda rng: ((rng.random(n) < share).astype(float), None), share, 400)
    assert 0.92 <= observed <= 0.985, observed


def test_interval_of_few_skewed_values_covers() -> None:
    observed = coverage(lambda rng: (rng.normal(size=12), None), 0.0, 400)
    assert 0.92 <= observed <= 0.98, observed


def test_few_units_get_the_width_of_students_t() -> None:
    """Of 10 values the plain percentile interval has five sixths of it: it covers 88% of the time."""
    ratios = []
    for seed in range(20):
        values = np.random.default_rng(seed).normal(size=10)
        found = bootstrap_mean(values, samples=4000, seed=seed)
        student = 2 * t.ppf(0.975, 9) * values.std(ddof=1) / math.sqrt(10)
        ratios.append((found.high - found.low) / student)
    assert 0.92 <= float(np.mean(ratios)) <= 1.05, ratios


@pytest.mark.parametrize("sources", [2, 3, 5])
def test_a_handful_of_sources_covers_too(sources: int) -> None:
    """Resampled means stay between the sources seen: without Student's t two of them covered 49%, three 74%."""
    observed = coverage(lambda rng: (rng.normal(size=sources), None), 0.0, 400, samples=200)
    assert 0.92 <= observed <= 0.98, observed


def test_shares_of_a_handful_of_sources_stay_shares() -> None:
    found = bootstrap_mean([1.0, 0.0, 1.0, 1.0], [0, 0, 1, 1])
    assert (found.low, found.high) == (0.0, 1.0)
    assert bootstrap_mean([5.0, 9.0]).high > 9.0


def clustered(rng: np.random.Generator) -> tuple[list[float], list[int]]:
    """40 sources with 1 to 8 prompts each; prompts of a source share most of their difficulty."""
    values, names = [], []
    for source in range(40):
        centre = rng.normal()
        for _ in range(int(rng.integers(1, 9))):
            values.append(float(centre + 0.3 * rng.normal()))
            names.append(source)
    return values, names


@pytest.mark.slow
def test_clustered_interval_covers_where_the_naive_one_does_not() -> None:
    assert 0.91 <= coverage(clustered, 0.0, 300) <= 0.985
    assert coverage(lambda rng: (clustered(rng)[0], None), 0.0, 300) < 0.80


@pytest.mark.slow
def test_paired_interval_and_test_hold_their_level() -> None:
    covered = rejected = 0
    trials = 300
    for trial in range(trials):
        rng = np.random.default_rng(trial)
        skill = rng.random(120)
        before, after = (rng.random(120) < skill), (rng.random(120) < skill)
        result = paired_bootstrap(before.astype(float), after.astype(float), samples=600, seed=trial)
        covered += result.difference.low <= 0 <= result.difference.high
        rejected += result.p_value < 0.05
    assert 0.92 <= covered / trials <= 0.985
    assert rejected / trials <= 0.08


def test_paired_test_sees_a_real_gain_and_its_size() -> None:
    before = [0.0] * 60 + [1.0] * 40
    after = [1.0] * 20 + [0.0] * 40 + [1.0] * 40
    result = paired_bootstrap(before, after, samples=4000)
    assert result.difference.value == pytest.approx(0.2)
    assert result.difference.low > 0.1
    assert result.p_value < 0.001
    assert result.effect_size == pytest.approx(0.2 / np.std([1.0] * 20 + [0.0] * 80, ddof=1))


def test_pairing_is_narrower_than_two_independent_samples() -> None:
    rng = np.random.default_rng(0)
    before = (rng.random(300) < 0.5).astype(float)
    after = before.copy()
    after[:15] = 1 - after[:15]
    paired = paired_bootstrap(before, after).difference
    single = bootstrap_mean(before)
    assert paired.high - paired.low < 0.6 * (single.high - single.low)


def test_clusters_widen_the_paired_interval() -> None:
    before, after = [0.0] * 40, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0] * 5
    groups = [index // 4 for index in range(40)]
    alone = paired_bootstrap(before, after).difference
    together = paired_bootstrap(before, after, groups).difference
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_all_correct_is_not_certain() -> None:
    interval = bootstrap_mean([1.0] * 50)
    assert interval.value == 1.0
    assert 0.9 < interval.low < 0.95
    assert interval.high == 1.0


def test_one_prompt_alone_proves_no_gain() -> None:
    found = paired_bootstrap([0.0], [1.0])
    assert (found.difference.low, found.difference.high) == (-math.inf, math.inf)
    siblings = paired_bootstrap([0.0] * 8, [1.0] * 8, ["source"] * 8).difference
    assert (siblings.value, siblings.low, siblings.high, siblings.n) == (1.0, -math.inf, math.inf, 8)


@pytest.mark.parametrize("clusters", [None, [0, 0, 1, 1]])
def test_prompts_that_all_gain_alike_leave_room_for_those_not_seen(clusters) -> None:
    found = paired_bootstrap([0.0] * 4, [1.0] * 4, clusters).difference
    assert (found.value, found.high) == (1.0, 1.0)
    unseen = proportion(0, 2 if clusters else 4).high
    assert found.low == pytest.approx(1 - 2 * unseen)
    half = paired_bootstrap([0.5] * 100, [1.0] * 100).difference
    assert half.low == pytest.approx(0.5 - 1.5 * 0.037, abs=0.002)
    assert half.high == pytest.approx(0.5 + 0.5 * 0.037, abs=0.002)


def test_models_that_never_differed_may_still_differ() -> None:
    found = paired_bootstrap([1.0] * 60 + [0.0] * 40, [1.0] * 60 + [0.0] * 40)
    assert found.difference.value == 0.0
    assert found.difference.high == -found.difference.low == pytest.approx(0.037, abs=0.002)
    assert found.p_value == 1.0


def test_interval_of_a_rare_change_covers() -> None:
    """A change in 2 of 100 prompts is not seen at all in half of the samples of 40."""
    covered = 0
    for trial in range(300):
        rng = np.random.default_rng(trial)
        result = paired_bootstrap([0.0] * 40, (rng.random(40) < 0.02).astype(float), samples=400, seed=trial)
        covered += result.difference.low <= 0.02 <= result.difference.high
    assert covered / 300 >= 0.92


def test_sources_that_agree_are_not_certain_though_their_prompts_differ() -> None:
    interval = bootstrap_mean([0.0, 1.0] * 10, [index // 2 for index in range(20)])
    assert interval.low < 0.45 < 0.5 < 0.55 < interval.high
    assert bootstrap_mean([32.0] * 9).high == math.inf, "a length has no scale to bound what was not seen"
    levels = bootstrap_mean([3.0] * 9, most=5.0)
    assert 0 < levels.low < 3.0 < levels.high < 5.0


@pytest.mark.slow
def test_mean_over_parts_weighs_them_alike_and_covers() -> None:
    shares, sizes = (0.95, 0.5, 0.2), (20, 60, 200)
    covered = 0
    for trial in range(300):
        rng = np.random.default_rng(trial)
        parts = [
            bootstrap_mean((rng.random(n) < share).astype(float), samples=400, seed=trial)
            for share, n in zip(shares, sizes, strict=True)
        ]
        found = macro(parts)
        covered += found.low <= 0.55 <= found.high
    assert found.n == 280
    assert 0.91 <= covered / 300 <= 0.985
    assert math.isnan(macro([]).value)


def test_same_seed_same_interval() -> None:
    values = np.random.default_rng(3).random(80)
    assert bootstrap_mean(values, seed=5) == bootstrap_mean(values, seed=5)
    assert bootstrap_mean(values, seed=5) != bootstrap_mean(values, seed=6)


def test_bad_values_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        bootstrap_mean([1.0, math.nan])
    with pytest.raises(ValueError, match="differ in number"):
        paired_bootstrap([1.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="cluster names"):
        bootstrap_mean([1.0, 0.0], ["a"])


def test_empty_is_unknown() -> None:
    assert math.isnan(bootstrap_mean([]).value)
    assert paired_bootstrap([], []).p_value == 1.0
    assert proportion(0, 0) == Interval(pytest.approx(math.nan, nan_ok=True), 0.0, 1.0, 0)


def test_cohens_kappa_known_values_and_where_there_is_none() -> None:
    # 20 both yes, 5 and 10 apart, 15 both no: 35 of 50 alike, 0.5 x 0.6 + 0.5 x 0.4 by chance, so (0.7 - 0.5) / 0.5
    kappa = cohens_kappa(proportion(35, 50), 25 / 50, 30 / 50)
    share = proportion(35, 50)
    assert kappa is not None
    assert kappa.n == 50
    assert (kappa.value, kappa.low, kappa.high) == pytest.approx((0.4, 2 * share.low - 1, 2 * share.high - 1))
    opposed = cohens_kappa(proportion(0, 20), 0.5, 0.5)
    assert opposed is not None
    assert (opposed.value, opposed.low) == (-1.0, -1.0)
    assert cohens_kappa(proportion(9, 9), 1.0, 1.0) is None, "both always say yes"
    assert cohens_kappa(proportion(0, 0), 0.5, 0.5) is None, "nothing was seen"


def test_holm_known_values() -> None:
    # worked example: p sorted .005 .01 .03 .04 are multiplied by 4 3 2 1 and made monotone
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=12))
@settings(max_examples=60, deadline=None)
def test_holm_is_between_p_and_bonferroni_and_keeps_order(ps: list[float]) -> None:
    adjusted = holm(ps)
    assert all(p <= a <= min(1.0, len(ps) * p) + 1e-12 for p, a in zip(ps, adjusted, strict=True))
    assert [a for _, a in sorted(zip(ps, adjusted, strict=True))] == sorted(adjusted)


def test_holm_keeps_the_family_wise_error() -> None:
    rng = np.random.default_rng(0)
    false_alarms = sum(min(holm(list(rng.random(20)))) < 0.05 for _ in range(2000))
    assert false_alarms / 2000 < 0.065
