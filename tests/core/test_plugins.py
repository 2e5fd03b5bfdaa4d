"""A rule, a formula, a judge prompt and a benchmark of a team's own, in the project's plugins folder: known everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from verif.core.rules import Edits, Outcome, registry, rule
from verif.errors import RecipeError
from verif.evaluation import catalog
from verif.recipe import load_recipe, parse_recipe
from verif.service.identity import identity_of
from verif.system import plugins

HOUSE = """
from pathlib import Path
import verif

class Word(verif.Params):
    word: str

@verif.rule("house:word", Word, edits=verif.Edits(
    draw=lambda rng: {"word": rng.choice(("quay", "buoy"))},
    repair=lambda rng, text, raw: text + " " + raw["word"],
    break_=lambda rng, text, raw: text.replace(raw["word"], "thing")))
def word(doc, params):
    ok = params.word in doc.text
    return verif.Outcome(ok, "holds it" if ok else "lacks it")

@verif.formula("house:share")
def share(hard, soft):
    return sum(s == "pass" for s in (*hard, *soft)) / len((*hard, *soft))

def load(path):
    asked = verif.RuleConstraint(text="Name the quay.", rule="house:word", params={"word": "quay"})
    return [verif.Case(verif.Instruction(id=line, prompt=line, constraints=(asked,)))
            for line in Path(path).read_text().splitlines()]

verif.add_benchmark(verif.Benchmark(
    name="house", title="Ours", paper="", judging="rules", load=load, score=lambda *_: {}))
verif.add_prompts(Path(__file__).parent / "house_prompts")
"""
WORK = """
import asyncio, json, random, subprocess, sys
from pathlib import Path
from verif import Instruction, Item, Response, RuleConstraint, build, load_recipe, verify
from verif.audit.mutations.generate import generate
from verif.audit.mutations.score import score
from verif.audit.second_process import Recheck
from verif.audit.cases import AuditCase, ask
from verif.core.judge.prompt import render
from verif.evaluation import catalog
from verif.evaluation.run import Suite, judge_all
from verif.evaluation.case import Generation

recipe = load_recipe("ours")
verifier = build(recipe, judge_url=None, judge_model=None, state=Path("state"), cache=False)
asked = Instruction(id="1", prompt="p", constraints=(
    RuleConstraint(text="w", rule="house:word", params={"word": "quay"}),
    RuleConstraint(text="c", rule="punctuation:no_comma")))
items = [Item(id=str(n), instruction=asked, response=Response(text=t)) for n, t in enumerate(("a quay", "a, quay", "a, b"))]

async def rewards():
    return {v.id: (v.reward.value, v.reward.formula) async for v in verifier.verify(items)}

async def edits():
    made, without = generate(random.Random(0), ["house:word"], [], 4)
    opinions = await ask(verifier, [m.case for m in made], "average", soft=False)
    return [(r.n, r.missed, r.refused, r.errors) for r in score(made, opinions)] + without

case = AuditCase("1", asked, "a quay", (True, True))
job = Recheck.of([case], "average", soft=False, url=None)
second = subprocess.run([sys.executable, "-m", "verif.audit.second_process"], input=job.dump(), capture_output=True)
suite = Suite(catalog.get("house"), tuple(catalog.load("house", "rows.txt", Path("data"), Path())))
answers = {("house", "after", "t1"): {c.id: Generation("the quay") for c in suite.cases}}
print(json.dumps({
    "rewards": asyncio.run(rewards()),
    "edits": asyncio.run(edits()),
    "second": json.loads(second.stdout or "null"), "problem": second.stderr.decode()[-300:],
    "prompt": render(recipe.verifier.prompt, asked, [0], "said", "m")[0]["content"],
    "benchmark": [str(row.status) for row in judge_all([suite], answers, None)],
    "verify": verify(asked, "a quay").reward.value,
    "parts": sorted(verifier.parts),
}))
"""
RECIPE = {
    "name": "ours", "plugins": ["house"],
    "data": {"kind": "verinstruct"}, "policy": {"kind": "scratch"}, "judge": {"kind": "none"},
    "verifier": {"formula": "house:share", "prompt": "house"},
}  # fmt: skip


def project(place: Path) -> Path:
    (place / "plugins" / "house_prompts").mkdir(parents=True)
    (place / "recipes").mkdir()
    (place / "plugins" / "house.py").write_text(HOUSE)
    (place / "plugins" / "house_prompts" / "house.j2").write_text("{{ marker }} {{ response }}: ours?")
    (place / "recipes" / "ours.yaml").write_text(yaml.safe_dump(RECIPE))
    (place / "rows.txt").write_text("one\ntwo\n")
    return place


def run(root: Path, place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=place, env=env, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip


@pytest.mark.slow
def test_a_team_needs_no_fork(root: Path, tmp_path: Path) -> None:
    done = run(root, project(tmp_path), "-c", WORK)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["rewards"] == {
        "0": [1.0, "house:share"],
        "1": [0.5, "house:share"],
        "2": [0.0, "house:share"],
    }
    assert found["edits"] == [[12, 0, 0, 0]], "four triples, each decided as its edits say"
    assert found["second"] == [["pass", "pass"]], found["problem"]
    assert found["prompt"] == "m said: ours?"
    assert found["benchmark"] == ["pass"] * 4
    assert found["verify"] == 1.0
    assert "plugins" in found["parts"]


@pytest.mark.slow
def test_the_command_line_takes_a_plugin_by_name(root: Path, tmp_path: Path) -> None:
    row = {
        "key": 1,
        "prompt": "p",
        "instruction_id_list": ["house:word"],
        "kwargs": [{"word": "quay"}],
        "response": "a quay",
    }
    place = project(tmp_path)
    (place / "rows.jsonl").write_text(json.dumps(row))
    done = run(root, place, "-m", "verif", "score", "rows.jsonl", "--plugin", "house", "--out", "out.jsonl")
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads((place / "out.jsonl").read_text())["all"] is True
    without = run(root, place, "-m", "verif", "score", "rows.jsonl", "--strict-types")
    assert without.returncode != 0
    assert "unknown constraint type" in without.stderr


@pytest.mark.slow
def test_the_service_process_and_installed_packages_know_them(root: Path, tmp_path: Path) -> None:
    place = project(tmp_path)
    packages = tmp_path / "packages"
    (packages / "team-1.dist-info").mkdir(parents=True)
    (packages / "team_rules.py").write_text(
        "import verif\n@verif.rule('team:any')\ndef anything(doc, params):\n    return verif.Outcome(True)\n"
    )
    (packages / "team-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: team\nVersion: 1\n")
    (packages / "team-1.dist-info" / "entry_points.txt").write_text("[verif.rules]\nteam = team_rules\n")
    work = f"""
import asyncio, os, sys
sys.path.append({str(packages)!r})
os.environ["PYTHONPATH"] += ":" + {str(packages)!r}
os.environ["VERIF_IDLE_S"] = "2"
from pathlib import Path
from verif import Instruction, Item, Response, RuleConstraint, load_recipe
from verif.project import Stage
from verif.service.client import VerifierClient
from verif.service.lease import verifier
asked = Instruction(id="1", prompt="p", constraints=(
    RuleConstraint(text="w", rule="house:word", params={{"word": "quay"}}), RuleConstraint(text="t", rule="team:any")))
async def rewards(url):
    async with VerifierClient(url) as client:
        items = [Item(id="1", instruction=asked, response=Response(text="calm"))]
        return [v.reward.value async for v in client.verify(items)]
with verifier(Stage(Path.cwd(), load_recipe("ours"), Path("rows.txt"))) as endpoint:
    print(asyncio.run(rewards(endpoint.url)))
"""
    done = run(root, place, "-c", work)
    assert done.stdout.strip() == "[0.5]", done.stderr[-3000:]


def test_plugins_are_part_of_the_identity_and_nothing_else_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(plugins.VARIABLE, raising=False)
    place = project(tmp_path)
    first = plugins.identity(["house"], place)
    assert first == plugins.identity(["house"], place) != ""
    (place / "plugins" / "__pycache__").mkdir()
    (place / "plugins" / "__pycache__" / "house.pyc").write_bytes(b"x")
    (place / "plugins" / "README.md").write_text("About.")
    assert plugins.identity(["house"], place) == first
    (place / "plugins" / "house_prompts" / "house.j2").write_text("another")
    assert plugins.identity(["house"], place) != first
    assert plugins.identity([], place) == ""


def test_a_recipe_without_plugins_has_the_identity_it_had(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load_recipe("verinstruct-tiny", root / "recipes")
    assert "plugins" not in recipe.model_dump(mode="json", by_alias=True)
    before = identity_of(recipe, None)
    monkeypatch.setattr(registry, "_RULES", dict(registry._RULES))
    monkeypatch.setattr(plugins, "_loading", ["some_plugin"])
    rule("other:plugin")(lambda doc, params: Outcome(True))
    assert identity_of(recipe, None) == before, "another recipe's plugin is none of its business"


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("absent_plugin", None, "absent_plugin.*not found.*plugins"),
        ("broken_plugin", "1 / 0", "broken_plugin cannot be imported: ZeroDivisionError"),
        ("needs_other", "import no_such_module_at_all", "needs_other.*no_such_module_at_all"),
        ("os", None, "module of Python"),
        ("verif.core", None, "verif itself"),
        ("../up", None, "no name of a module"),
        ("yaml", "x = 1", "name of another module"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str | None, problem: str
) -> None:
    monkeypatch.setenv(plugins.VARIABLE, "")
    monkeypatch.setattr(sys, "path", [*sys.path])
    if text is not None:
        (tmp_path / "plugins").mkdir()
        (tmp_path / "plugins" / f"{name}.py").write_text(text)
    with pytest.raises(RecipeError, match=problem):
        plugins.load([name], tmp_path)


def test_unknown_names_are_refused_where_no_plugin_can_bring_them() -> None:
    for key, name in (("formula", "hardly"), ("prompt", "unwritten")):
        raw = {**RECIPE, "plugins": [], "verifier": {key: name}}
        with pytest.raises(RecipeError, match=f"verifier.{key}: '{name}' is none of"):
            parse_recipe(raw, "here")


def test_names_that_are_taken_are_refused() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        rule("punctuation:no_comma")(lambda doc, params: Outcome(True))
    with pytest.raises(ValueError, match="registered twice"):
        catalog.add_benchmark(catalog.get("ifeval"))
    assert Edits.__doc__
