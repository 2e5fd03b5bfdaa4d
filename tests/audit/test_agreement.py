"""Rules and judge on the same constraints: how far they agree beyond chance."""

from __future__ import annotations

import pytest

from verif.audit.accuracy import Confusion
from verif.audit.agreement import Agreement


def test_kappa_counts_the_rules_as_one_rater_and_the_judge_as_the_other() -> None:
    """20 both yes, 5 and 10 apart, 15 both no: 0.7 agree, 0.5 by chance (worked by hand)."""
    agreed = Agreement(Confusion(true_accepted=20, true_rejected=5, false_accepted=10, false_rejected=15))
    assert agreed.kappa is not None
    assert agreed.kappa.value == pytest.approx(0.4)
    assert 0.05 < agreed.kappa.low < 0.25
    assert 0.55 < agreed.kappa.high < 0.7


def test_a_rater_that_never_changes_its_mind_shows_no_agreement() -> None:
    judge_always_yes = Agreement(Confusion(true_accepted=5, false_accepted=5))
    assert judge_always_yes.kappa is not None
    assert judge_always_yes.kappa.value == pytest.approx(0.0)
    assert Agreement(Confusion(true_accepted=10)).kappa is None
    assert Agreement(Confusion(undecided=3)).kappa is None
