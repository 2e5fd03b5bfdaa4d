"""An evaluation asks every constraint: with a product, what failed a rule would be left out and the rest be 100%."""

import pytest

from verif.core.verifier import Verifier
from verif.evaluation.case import Case, Generation
from verif.evaluation.judging import blank, by_verifier
from verif.evaluation.scores import outcomes
from verif.types import Instruction, RuleConstraint, SoftConstraint, Status, Verdict


class Judge:
    """Passes everything it is asked."""

    part = "judge:test"

    def __init__(self) -> None:
        self.client = self

    async def close(self) -> None:
        pass

    def asks(self, soft):
        return [tuple(soft)]

    def key(self, *_):
        return ""

    async def ask(self, _instruction, _text, indices) -> Verdict:
        return Verdict(status=Status.PASS, covers=indices, part=self.part)


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["product", "all", "average"])
def test_prompts_that_failed_a_rule_stay_in_the_count(formula):
    constraints = (
        RuleConstraint(text="Use no commas.", rule="punctuation:no_comma"),
        SoftConstraint(text="Be kind.", dimension="tone"),
    )
    pairs = []
    for i in range(100):
        case = Case(Instruction(id=str(i), prompt=f"Write {i}.", constraints=constraints))
        answer = Generation("Plain text." if i < 60 else "Yes, with a comma.", True, 4)
        pairs.append((blank("b", "after", "t1", case, answer), case, answer))
    rows = list(by_verifier(pairs, Verifier(formula=formula, judge=Judge()), "v"))
    found = outcomes(rows)
    assert sum(outcome.known for outcome in found) == 100
    assert sum(bool(outcome.followed) for outcome in found) == 60
    assert not [row for row in rows if row.status in (Status.SKIPPED, Status.ERROR)]
