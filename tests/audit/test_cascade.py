"""The audit chooses the cascade's band for a stated agreement, and the service that trains uses just that band."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from support.bad_judge import serving

from verif.audit.fitness import fitness_path, teacher_of
from verif.core.instruction_files import write_instructions
from verif.data.splits import GoldenItem
from verif.data.tables import write_golden
from verif.errors import RecipeError
from verif.pipeline.stages import verifier
from verif.project import Stage
from verif.recipe import parse_recipe
from verif.service import lease
from verif.service.build import SMALL_VARIABLE
from verif.service.client import VerifierClient
from verif.types import Instruction, Item, Response, RuleConstraint, SoftConstraint, Verification

pytestmark = pytest.mark.slow

CONSTRAINTS = (
    RuleConstraint(text="Use no commas.", rule="punctuation:no_comma"),
    SoftConstraint(text="Be calm."),
)
SURE = re.compile(r"sure (\d+) of 100")


def small(prompt: str) -> float:
    """As sure as the response says."""
    found = SURE.search(prompt)
    return int(found[1]) / 100 if found else 0.5


def recipe(agreement: float = 0.95):
    judge = {"kind": "hub", "repo": "test/judge", "revision": "1", "digest": "0" * 8}
    cascade = {"digest": "1" * 8, "agreement": agreement}
    section = {"prompt": "joint-en", "audit_items": 100, "cascade": cascade}
    raw = {
        "name": "t",
        "data": {"kind": "verinstruct"},
        "policy": {"kind": "scratch"},
        "judge": judge,
        "verifier": section,
    }
    return parse_recipe(raw, "test")


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Golden responses of which the small judge is sure and right, but wrong from 30 to 70 of 100."""
    monkeypatch.setenv(lease.IDLE_VARIABLE, "2")
    made = Stage(tmp_path, recipe(), tmp_path)
    rows = []
    for n in range(100):
        calm = n <= 50 if 30 <= n <= 70 else n > 70
        item = Instruction(id=f"g{n}", prompt="Describe the sea.", constraints=CONSTRAINTS)
        rows.append(
            GoldenItem(item, f"The sea is {'calm' if calm else 'wild'} and sure {n} of 100.", [True, calm])
        )
    made.data.mkdir()
    write_golden(made.data / "golden.parquet", rows)
    train = [row.instruction for row in rows[:4]]
    write_instructions(made.data / "train.parquet", train, source="t", split="train")
    (made.models / "judge").mkdir(parents=True)
    yield made
    for folder in (made.state / "leases").glob("*"):
        if found := lease.living(folder):
            lease.end(found)


def asked(stage: Stage, texts: list[str]) -> tuple[str, dict[str, Verification]]:
    """The identity of the service that training would get, and what it says."""
    items = [
        Item(id=text, instruction=Instruction(id="x", prompt="Look.", constraints=CONSTRAINTS), response=Response(text=text))
        for text in texts
    ]  # fmt: skip

    async def ask(url: str) -> dict[str, Verification]:
        async with VerifierClient(url) as client:
            return {found.id: found async for found in client.verify(items)}

    with lease.verifier(stage) as endpoint:
        return endpoint.identity, asyncio.run(ask(endpoint.url))


def test_the_band_is_measured_written_and_used(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()

    def large(prompt: str) -> float:
        calls.update(SURE.findall(prompt))
        return float("is calm" in prompt)

    with serving(large) as url, serving(small) as small_url:
        monkeypatch.setenv("VERIF_JUDGE_URL", url)
        monkeypatch.setenv(SMALL_VARIABLE, small_url)
        verifier.run(stage)
        kept = orjson.loads(fitness_path(stage).read_bytes())
        low, high = kept["cascade"]["low"], kept["cascade"]["high"]
        assert 0.2 <= low <= 0.36, kept
        assert 0.64 <= high <= 0.8, kept
        numbers = orjson.loads((stage.reports / "verifier.json").read_bytes())["cascade"]
        assert (numbers["low"], numbers["high"], numbers["n"]) == (low, high, 50)
        assert numbers["agreement"] >= 0.9
        assert not any("small judge decides alone" in reason for reason in kept["reasons"])
        assert 0.4 < numbers["saved"] < 0.75
        calls.clear()
        # The small judge is sure of these two and the large one would have said the opposite.
        texts = [
            "It is calm and sure 4 of 100.",
            "It is wild and sure 97 of 100.",
            "It is calm and sure 50 of 100.",
        ]
        identity, found = asked(stage, texts)
    audited = orjson.loads((stage.reports / "verifier.json").read_bytes())["identity"]
    assert (identity, teacher_of(stage)) == (audited, kept["identity"]), "what trains is what was audited"
    verdicts = [found[text].verdicts[1] for text in texts]
    assert [(v.status.value, v.evidence["by"]) for v in verdicts] == [
        ("fail", "small"), ("pass", "small"), ("pass", "large"),
    ]  # fmt: skip
    assert [n for n in ("4", "97", "50") if calls[n]] == ["50"], (
        "the large judge is asked inside the band only"
    )
    other = replace(stage, recipe=recipe(agreement=0.9))
    assert lease.audited(other).verifier.cascade.low == 0.0, "another agreement was not audited"


def test_a_small_judge_that_knows_nothing_decides_nothing(stage: Stage, monkeypatch) -> None:
    with serving(lambda prompt: float("is calm" in prompt)) as url, serving(lambda prompt: 0.5) as small_url:
        monkeypatch.setenv("VERIF_JUDGE_URL", url)
        monkeypatch.setenv(SMALL_VARIABLE, small_url)
        band = verifier.choose_band(stage)
    assert (band.low, band.high, band.saved.value) == (0.0, 1.0, 0.0)


def test_a_cascade_without_its_server_is_refused_before_anything_starts(stage: Stage, monkeypatch) -> None:
    monkeypatch.delenv(SMALL_VARIABLE, raising=False)
    with pytest.raises(RecipeError, match="no small judge"):
        verifier.run(stage)
