"""A service whose model of answers cannot be asked is not ready: no training begins that would see errors alone."""

from __future__ import annotations

from pathlib import Path

import httpx

from verif.core.answers.hybrid import Hybrid, Likeness, Pair
from verif.core.checks import LazySandbox
from verif.core.verifier import Verifier
from verif.errors import JudgeError
from verif.project import Stage
from verif.recipe import load_recipe, parse_recipe
from verif.service.app import create_app
from verif.service.probes import probes

ROOT = Path(__file__).resolve().parents[2]


class Model:
    """Down, then up; remembers what it was asked."""

    part = "model:1"

    def __init__(self) -> None:
        self.up = False
        self.asked: list[Pair] = []

    async def likeness(self, pair: Pair) -> Likeness:
        self.asked.append(pair)
        if not self.up:
            raise JudgeError("the judge gave no answer within 20 s.")
        return Likeness(0.1)

    async def close(self) -> None:
        pass


def stage(folder: Path, **reference: object) -> Stage:
    raw = load_recipe("math-qwen-7b", ROOT / "recipes").model_dump(mode="json", by_alias=True)
    raw["verifier"]["reference"] = reference
    return Stage(folder, parse_recipe(raw, "test"), folder)


async def test_it_is_ready_when_the_model_has_answered(tmp_path: Path) -> None:
    model = Model()
    items = probes(stage(tmp_path, model="judge", digest="d1"))
    verifier = Verifier(hybrid=Hybrid(model, 1.0), sandbox=LazySandbox(1))
    made = create_app(verifier, probes=list(items))
    async with (
        made.router.lifespan_context(made),
        httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://verifier") as client,
    ):
        refused = await client.get("/ready")
        assert refused.status_code == 503
        assert refused.json()["problem"].startswith("no verdict from the model of answers")
        model.up = True
        made.state.verif.probing.clear()  # as if two seconds had passed
        assert (await client.get("/ready")).json() == {"ready": True, "problem": ""}
    assert model.asked[0].reference == "the harbour"


def test_the_built_in_model_and_the_rules_need_no_probe(tmp_path: Path) -> None:
    for reference in ({"model": "features"}, {"model": "none"}):
        kinds = [
            c.kind for item in probes(stage(tmp_path, **reference)) for c in item.instruction.constraints
        ]
        assert "reference" not in kinds
