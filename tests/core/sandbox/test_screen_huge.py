"""Numbers and quotations of any size in a constraint's text: no probe of that size is made."""

import pytest

from verif.core.sandbox.sandbox import Sandbox
from verif.data.screening import claims
from verif.data.screening.screen import screen
from verif.types import CheckerConstraint, Instruction

LONG_ENOUGH = "def check_following(instruction, response):\n    return len(response) > 3"
HUGE = [
    f"Write at least {'5' * 5000} words.", "The answer must have at least 1,000,000,000 words.", "Use at most 40,000,000 words.",
    "Use at most 99999999 words in each sentence.", "Limit each paragraph to a maximum of 7000000 sentences.",
    "Every word must have at least 800000000 letters.", "Include " + " ".join(f'"word {n}"' for n in range(5000)) + ".",
    "Write around 1000000 words.", "Write between 5 and 99999999 words.",
]  # fmt: skip


@pytest.mark.parametrize("text", HUGE, ids=lambda text: text[:40])
def test_a_number_that_no_probe_can_have_is_noted_and_nothing_concluded(sandbox: Sandbox, text: str) -> None:
    checker = CheckerConstraint(text=text, source=LONG_ENOUGH)
    asked = Instruction(id="1", prompt="Write.", constraints=(checker,))
    found = screen([(1, asked)], sandbox)
    assert [(finding.kind, finding.defect) for finding in found] == [("not probed", False)]
    assert "its text" in found[0].detail
    assert claims.read(text) is None


def test_probes_of_what_is_probed_stay_small() -> None:
    for text in (
        "At least 5000 words.", "At most 5,000 words.", "Around 4500 words.", "Use at most 5000 words in each sentence.",
        "Limit each paragraph to a maximum of 900 sentences.", "Every word must have at least 10000 letters.",
    ):  # fmt: skip
        claim = claims.read(text)
        assert claim is not None
        assert max(len(probe) for probe in [*claim.good(), *claim.bad(), *claim.telling()]) < 100_000
    phrases = claims.read("Include " + " ".join(f'"{"x" * 30}{n}"' for n in range(50)) + ".")
    assert phrases is not None
    assert sum(map(len, phrases.bad())) < 1_000_000
