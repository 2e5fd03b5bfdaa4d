"""`verify` as a library's function: in any place, and without starting anything for plain rules."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
import timeit

import pytest

from verif import (
    CheckerConstraint,
    Instruction,
    Item,
    Response,
    RuleConstraint,
    SoftConstraint,
    Verifier,
    averify,
    verify,
    verify_many,
)
from verif.core import once
from verif.errors import InputError, RecipeError

NO_COMMA = RuleConstraint(text="Use no commas.", rule="punctuation:no_comma")
CHECKER = CheckerConstraint(
    text="Name a wave.", source="def check_following(instruction, response):\n    return 'wave' in response"
)
SOFT = SoftConstraint(text="Be kind.", dimension="tone")
ASKED = Instruction(id="1", prompt="Describe the sea.", constraints=(NO_COMMA,))


@pytest.mark.slow
def test_a_plain_rule_takes_a_tenth_of_a_millisecond_and_starts_nothing() -> None:
    verify("p", "a", [NO_COMMA])
    before = threading.active_count()
    calls = 200
    rounds = timeit.repeat(
        lambda: verify("p", "a, b", [NO_COMMA]), number=calls, repeat=10, timer=time.thread_time
    )
    assert min(rounds) / calls < 0.0002, "0.05 ms of processor time on the machine it was written on"
    assert threading.active_count() == before


async def test_it_works_inside_a_running_loop() -> None:
    assert verify("p", "calm", [NO_COMMA]).reward.value == 1.0
    found = await asyncio.gather(*(averify("p", text, [NO_COMMA]) for text in ("calm", "a, b", "")))
    assert [one.reward.state for one in found] == ["scored", "scored", "unscorable"]
    assert [one.reward.value for one in found] == [1.0, 0.0, 0.0]


def test_many_keep_their_order_and_their_ids() -> None:
    said = [Response(text=text) for text in ("calm", "a, b", "<think>x, y</think>calm", "")]
    items = [Item(id="same", instruction=ASKED, response=response) for response in said]
    assert [found.reward.value for found in verify_many(items)] == [1.0, 0.0, 1.0, 0.0]
    assert verify_many([]) == []


@pytest.mark.parametrize("formula", ["average", "product", "all", "hard-only", "soft-only"])
@pytest.mark.parametrize("text", ["calm", "a, b", "", "<think>", "x</think>calm"])
async def test_it_says_what_the_verifier_says(formula: str, text: str) -> None:
    asked = Instruction(id="1", prompt="p", constraints=(NO_COMMA, SOFT))
    item = Item(id="1", instruction=asked, response=Response(text=text))
    verifier = Verifier(formula=formula)
    (due,) = [found async for found in verifier.verify([item])]
    await verifier.close()
    assert verify(asked, text, formula=formula) == due


def test_wrong_input_is_one_clear_error() -> None:
    with pytest.raises(InputError, match="unknown constraint type"):
        verify("p", "a", [RuleConstraint(text="t", rule="punctuation:no_coma")])
    with pytest.raises(RecipeError, match=r"unknown formula 'averge'.*Known: average"):
        verify("p", "a", [NO_COMMA], formula="averge")


@pytest.mark.slow
def test_checkers_of_all_calls_share_one_sandbox_that_ends_with_the_process() -> None:
    found = [verify("p", text, [CHECKER]).verdicts[0].status.value for text in ("a wave", "calm", "a wave")]
    assert found == ["pass", "fail", "pass"]
    assert len(once._SANDBOXES) == 1
    code = (
        "from verif import verify, CheckerConstraint as C\n"
        f"print(verify('p', 'a wave', [C(text='t', source={CHECKER.source!r})]).reward.value)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "1.0"), done.stderr[-1000:]
