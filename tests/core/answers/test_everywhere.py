"""Reference answers get the same verdict and reward by every way in, fresh, from the cache and judged again; mixed batches."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verif import verify
from verif.audit.rescore import rescore
from verif.core.cache import VerdictCache
from verif.core.checks import LazySandbox
from verif.core.instruction_files import read_instructions, write_instructions
from verif.core.rows import Where, rows
from verif.core.score import score
from verif.core.verifier import Verifier
from verif.data.rollouts import Rollout, read_file, step_path, write_step
from verif.evaluation.case import Case, Generation
from verif.evaluation.judging import blank, by_verifier
from verif.service.batch import Batcher
from verif.service.believing import Believer
from verif.types import (
    CheckerConstraint,
    Instruction,
    Item,
    ReferenceConstraint,
    Response,
    RuleConstraint,
    SoftConstraint,
    Status,
    Verification,
)

KINDS = {"number": "1,234.5", "choice": "B", "text": "Paris", "set": "{1, 2}", "date": "2020-05-03"}
ANSWERS = st.sampled_from((
    "1234.5", "1.234,5", "1234", "(B)", "B or C", "paris", "Paris, Texas", "2, 1", "1, 2, 3", "3 May 2020", "03/05/2020",
    "", "12 km", "\\frac{1", "½", "\ud800", "x" * 2001,
))  # fmt: skip
FRAMES = st.sampled_from((
    "{}", "The answer is {}.", "We try. Answer: **{}**", "\\boxed{{{}}}", "\\boxed{{{}}} or \\boxed{{7}}", "\\boxed{{{}",
    "<think>The answer is 7.</think>{}", "<think>{}", "#### {}\n",
))  # fmt: skip
RESPONSES = st.builds(lambda frame, answer: frame.format(answer), FRAMES, ANSWERS)
Found = tuple[tuple[tuple[Status, str], ...], float | None, str]


def reference(compare: str) -> ReferenceConstraint:
    return ReferenceConstraint.model_validate(
        {"text": "Right.", "answer": KINDS[compare], "compare": compare}
    )


def of(found: Verification) -> Found:
    return tuple((v.status, v.reason) for v in found.verdicts), found.reward.value, found.reward.state


async def first(answers: AsyncIterator[Any]) -> Any:
    (found,) = [answer async for answer in answers]
    return found


async def asked(item: Item, folder: Path) -> dict[str, Found]:
    fresh, again = Verifier(), Verifier(cache=VerdictCache(folder / "verdicts"))
    rollout = Rollout(1, "u", item.instruction, item.response, None)
    (folder / "rollouts").mkdir()
    write_step(folder / "rollouts", 1, [rollout])
    await rescore(fresh, folder / "rollouts", folder / "again")
    (judged,) = read_file(step_path(folder / "again", 1))
    assert judged.verification is not None
    served = (await first(Batcher(fresh).verify([item], cache=False, complete=True)))[0]
    Believer("http://here").check(served, item)
    out = {
        "verifier": of(await first(fresh.verify([item]))),
        "first": of(await first(again.verify([item]))),
        "cached": of(await first(again.verify([item]))),
        "service": of(served),
        "judged again": of(judged.verification),
    }
    await fresh.close()
    await again.close()
    return out


@pytest.mark.slow
@given(st.sampled_from(tuple(KINDS)), RESPONSES, st.booleans())
@settings(deadline=None, max_examples=15)
def test_every_way_in_says_the_same(compare: str, text: str, finished: bool) -> None:
    constraints = (reference(compare), RuleConstraint(text="No commas.", rule="punctuation:no_comma"))
    instruction = Instruction(id="1", prompt="How many?", constraints=constraints)
    item = Item(id="1", instruction=instruction, response=Response(text=text, finished=finished))
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(asked(item, Path(folder)))
    found["verify"] = of(verify(instruction, item.response))
    if "\ud800" in text:
        del found["judged again"]  # a file cannot hold it
    raw = {"instruction": json.loads(instruction.model_dump_json()), "response": text, "finished": finished}
    (scored,) = score(rows(raw, Where("rows.jsonl", 1)))
    case, answer = Case(instruction), Generation(text, finished=finished)
    verdicts = by_verifier([(blank("b", "m", "t1", case, answer), case, answer)], Verifier(), "v")
    said = found["verify"][0]
    assert all(one == found["verify"] for one in found.values()), found
    assert tuple((v.status, v.reason) for v in scored.verdicts) == said
    assert tuple((Status(row.status), row.reason) for row in verdicts) == said


MIXED = (
    Instruction(id="maths", prompt="Halve one.", constraints=(ReferenceConstraint(text="", answer="\\frac12", compare="math"),)),
    Instruction(id="rules", prompt="Say it.", constraints=(RuleConstraint(text="", rule="punctuation:no_comma"),)),
    Instruction(
        id="both",
        prompt="How many? Use no commas.",
        constraints=(
            RuleConstraint(text="Use no commas.", rule="punctuation:no_comma"),
            ReferenceConstraint(text="Right.", answer="12", compare="number"),
            CheckerConstraint(text="Short.", source="def check_following(i, r):\n    return len(r) < 60"),
        ),
    ),
    Instruction(id="soft", prompt="Be kind.", constraints=(SoftConstraint(text="Be kind."),)),
)  # fmt: skip


async def test_constraints_and_reference_answers_stand_in_one_batch(tmp_path: Path) -> None:
    """What a mixed training set becomes: written for the trainer, read back, and rewarded together."""
    write_instructions(tmp_path / "train.parquet", list(MIXED), source="mixed", split="train")
    read = list(read_instructions(tmp_path / "train.parquet"))
    assert read == list(MIXED)
    said = {
        ("maths", "\\boxed{0.5}"): 1.0,
        ("maths", "\\boxed{2}"): 0.0,
        ("rules", "Well said"): 1.0,
        ("both", "The answer is 12"): 1.0,
        ("both", "The answer is 13"): 0.0,
        ("both", "Well, the answer is 12"): 0.0,
        ("soft", "Dear friend"): None,  # nobody judges here: an error and no reward
    }
    by_id = {item.id: item for item in read}
    items = [
        Item(id=f"{name}/{n}", instruction=by_id[name], response=Response(text=text))
        for n, (name, text) in enumerate(said)
    ]
    verifier = Verifier(sandbox=LazySandbox())
    rewards = {found.id: found.reward.value async for found in verifier.verify(items)}
    await verifier.close()
    assert [rewards[item.id] for item in items] == list(said.values())
