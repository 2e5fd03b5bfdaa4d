"""`make bench-build`: what `verif build` makes of the local world's pairs, where the truth of every step is known.

Seeds 1 to 3, 2,000 rows each, from a stand-in for the models that answers from the world's truth with ten kinds of planted
defects; then 20 kills of one build; then two trainings for each of `--policy-seeds` (`benchmarks/build_policy.py`), from the
policy that stands in `--project`; then, where `--verinstruct` names the public sample, its own checkers proved again. Each
part is kept: killed, the same command goes on. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from benchmarks.build_standin import BuildStandin, serving
from benchmarks.build_world import kept, wish_of, world_pairs
from benchmarks.main import ROOT
from verif.core.row_files import read_rows
from verif.core.sandbox.sandbox import Sandbox
from verif.core.text import Doc
from verif.data.builder.hard import passes
from verif.data.world import draw
from verif.data.world.constraints import HARD
from verif.data.world.prompts import wishes_of
from verif.data.world.responses import authored, compose
from verif.pipeline.building import build_rows
from verif.recipe import load_build
from verif.system.files import digest, write_json
from verif.types import Constraint, Status

HOME = ROOT / ".verif" / "bench-build"
RECIPE = ROOT / "recipes" / "builds" / "world.yaml"
TAUGHT = RECIPE.with_name("world-policy.yaml")
"""What the rows are built by that are measured, and that a policy is trained on."""
ROWS, SEEDS, KILLS = 2000, (1, 2, 3), 20
DEFECTS = 0.05
NO_RULES = ("format:emoji",)
"""A rule that says the same as none of the world's checkers: these have to stand by themselves."""
FRESH = 20
"""Answers that each checker of a row is compared on."""


def world(seed: int, wanted: int, home: Path, rules: tuple[str, ...] = ()) -> dict[str, Any]:
    """One build of the world's pairs; the figures of one seed. `rules`: those that may take a checker's place, if not all."""
    name = f"unaided-{seed}-{wanted}" if rules else f"seed-{seed}-{wanted}"
    recipe = load_build(TAUGHT)
    if rules:
        recipe = recipe.model_copy(update={"hard": recipe.hard.model_copy(update={"rules": rules})})
    path, made_by = home / f"{name}.json", digest(recipe.model_dump(mode="json"))
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if known.get("recipe") == made_by:
            return known
    folder = home / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.calls.jsonl").unlink(missing_ok=True)  # the stand-in plants only in what it is asked
    rows, copied = world_pairs(int(wanted * 1.15), seed)
    pairs, out = folder / "pairs.jsonl", folder / "rows.jsonl"
    pairs.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    begun = time.monotonic()
    with serving(BuildStandin(defects=DEFECTS)) as standin:
        outcome = build_rows(pairs, out, recipe, lambda *_: None, (standin.url,))
        planted = set(standin.planted)
    seconds = time.monotonic() - begun
    refused = [orjson.loads(line) for line in (folder / "rows.quarantine.jsonl").read_bytes().splitlines()]
    near = {entry["row"] - 1 for entry in refused if entry["kind"] in ("near-duplicate", "repeated")}
    made = [row for row in read_rows(out) if row.instruction is not None][:wanted]
    told, unequal = truths(made, seed)
    figures = {
        "seed": seed, "recipe": made_by, "rows": len(made), "seconds": round(seconds, 1), "pairs": len(rows),
        "planted_copies": len(copied), "copies_caught": len(copied & near), "others_removed": len(near - copied),
        **told, **caught(made, planted, unequal), "proof": outcome.card["proof"], "cost": outcome.card["cost"]["all"],
    }  # fmt: skip
    write_json(path, figures)
    return figures


def caught(made: list[Any], planted: set[tuple[str, str, str]], unequal: set[str]) -> dict[str, Any]:
    """Of each kind of planted defect how many there were, and how many reached a row."""
    texts = {row.response: Counter(c.text for c in row.instruction.constraints) for row in made}
    kinds, missed = Counter(kind for kind, _, _ in planted), Counter[str]()
    for kind, text, answer in planted:
        most = 1 if kind == "repeated" else 0
        missed[kind] += texts.get(answer, Counter())[text] > most if answer else text in unequal
    return {"planted": dict(sorted(kinds.items())), "missed": {k: n for k, n in sorted(missed.items()) if n}}


def truths(made: list[Any], seed: int) -> tuple[dict[str, Any], set[str]]:
    """How many constraints hold of their answer, how many checks are equal to their text's truth, and which are not."""
    rng = random.Random(f"{seed}-fresh")
    counts: Counter[str] = Counter()
    unequal: set[str] = set()
    known: dict[str, bool] = {}
    with Sandbox() as sandbox:
        for row in made:
            for constraint in row.instruction.constraints:
                wish = wish_of(constraint.text)
                counts["constraints"] += 1
                if wish is None:  # worded by the rule itself, or by a model in words that nothing keeps
                    rule = constraint if constraint.kind == "rule" else None
                    counts["true"] += bool(rule and passes(rule.rule, rule.params, Doc(row.response)))
                    continue
                counts["true"] += kept(*wish, row.response)
                if wish[0] not in HARD:
                    continue
                key = constraint.model_dump_json()
                if key not in known:
                    texts = [_fresh(wish, number, rng) for number in range(FRESH)]
                    known[key] = decided(constraint, texts, sandbox) == [kept(*wish, text) for text in texts]
                counts["compared"] += 1
                counts["equal"] += known[key]
                if not known[key]:
                    unequal.add(constraint.text)
    return dict(counts), unequal


def _fresh(wish: Any, number: int, rng: random.Random) -> str:
    """Half of the texts are written to keep the wish, the others to whatever an author was asked."""
    item = draw(rng, "test")
    meant = compose([wishes_of(item)[0], wish], rng, tries=20) if number % 2 else None
    return meant if meant is not None else authored(wishes_of(item), rng)


def decided(constraint: Constraint, texts: list[str], sandbox: Sandbox) -> list[bool]:
    """What a hard constraint's check says of the texts; an error is never equal to a truth."""
    if constraint.kind == "rule":
        return [passes(constraint.rule, constraint.params, Doc(text)) for text in texts]
    assert constraint.kind == "checker"
    results = [row[0] for row in sandbox.check_group("", [constraint.source], texts)]
    return [result.status is Status.PASS for result in results if result.status is not Status.ERROR]


def kills(count: int, home: Path) -> dict[str, int]:
    """One build that is killed over and over: calls whose answer was in the ledger and that were asked again."""
    path = home / f"kills-{count}.json"
    if path.is_file():
        known: dict[str, int] = json.loads(path.read_text("utf-8"))
        return known
    folder = home / "kills"
    folder.mkdir(parents=True, exist_ok=True)
    pairs, ledger = folder / "pairs.jsonl", folder / "rows.calls.jsonl"
    ledger.unlink(missing_ok=True)
    pairs.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in world_pairs(150, 7)[0]))
    rng, twice, under_way, killed = random.Random(7), 0, 0, 0
    with serving(BuildStandin(seconds=0.02)) as standin:
        line = [
            sys.executable, "-m", "verif", "build", "--pairs", str(pairs), "--out", str(folder / "rows.jsonl"),
            "--recipe", str(RECIPE), "--url", standin.url,
        ]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        while killed < count:
            before = _keys(ledger)
            sent = Counter(standin.asked)
            process = subprocess.Popen(
                line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while process.poll() is None and len(_keys(ledger)) < len(before) + rng.randint(5, 40):
                time.sleep(0.01)
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            twice += sum((standin.asked - sent)[key] for key in before)
            under_way += sum((standin.asked - sent).values()) - len(_keys(ledger) - before)
        before, sent = _keys(ledger), Counter(standin.asked)
        subprocess.run(
            line, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        twice += sum((standin.asked - sent)[key] for key in before)
    figures = {"kills": killed, "twice": twice, "under_way": under_way, "calls": len(_keys(ledger))}
    write_json(path, figures)
    return figures


def _keys(ledger: Path) -> set[str]:
    """The calls that are kept."""
    lines = ledger.read_bytes().split(b"\n")[:-1] if ledger.exists() else []
    return {orjson.loads(line)["key"] for line in lines}


def main() -> None:
    """Everything that is not there yet, then the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument(
        "--unaided", type=int, default=ROWS // 4, help="rows where no rule may take a checker's place"
    )
    parser.add_argument("--verinstruct", type=Path)
    parser.add_argument("--project", type=Path, default=ROOT, help="holds data and the starting policy")
    parser.add_argument(
        "--policy-seeds", type=int, nargs="*", default=SEEDS, help="seeds that are trained on"
    )
    options = parser.parse_args()
    runs = []
    for seed in options.seeds:
        runs.append(world(seed, options.rows, HOME))
        print(json.dumps(runs[-1]), flush=True)
    killed = kills(options.kills, HOME) if options.kills else None
    result: dict[str, Any] = {
        "rows": min((run["rows"] for run in runs), default=0),
        "constraint_true": least(runs, "true", "constraints"),
        "checker_equal": least(runs, "equal", "compared"),
        "defects_caught": min(
            (1 - sum(run["missed"].values()) / sum(run["planted"].values()) for run in runs), default=None
        ),
        "duplicates_caught": least(runs, "copies_caught", "planted_copies"),
        "duplicates_false": max((run["others_removed"] / run["pairs"] for run in runs), default=None),
        "resume_calls_twice": killed["twice"] if killed else None,
        "resume_calls_under_way": killed["under_way"] if killed else None,
        "rows_per_s": round(min((run["rows"] / run["seconds"] for run in runs), default=0), 2),
        "policy_gap": None,
    }
    if (options.project / "models" / "policy").is_dir():
        result |= taught(options.project, options.policy_seeds, options.rows)
    else:
        print("policy_gap: no models/policy; run `verif stage prepare` and `verif stage policy` first")
    if options.unaided:
        alone = world(1, options.unaided, HOME, NO_RULES)
        print(json.dumps(alone), flush=True)
        result["unaided"] = {
            "checker_equal": least([alone], "equal", "compared"),
            "defects_caught": 1 - sum(alone["missed"].values()) / sum(alone["planted"].values()),
            "proof": alone["proof"],
        }
    if options.verinstruct:
        from benchmarks.build_public import proved_again

        result["verinstruct"] = proved_again(options.verinstruct)
    print(json.dumps(result))


def taught(project: Path, seeds: Sequence[int], rows: int) -> dict[str, Any]:
    """What a policy learns of the built rows of some seeds, beside one that learns of the world's own."""
    from benchmarks.build_policy import compared, gap

    runs = compared(project, {seed: HOME / f"seed-{seed}-{rows}" / "rows.jsonl" for seed in seeds}, HOME)
    for run in runs:
        print(json.dumps({"seed": run["seed"], **gap([run]), "told": run["built_told"]}), flush=True)
    return gap(runs) if runs else {}


def least(runs: list[dict[str, Any]], part: str, whole: str) -> float | None:
    """The worst share over the seeds."""
    return min((round(run[part] / run[whole], 4) for run in runs if run[whole]), default=None)


if __name__ == "__main__":
    main()
