"""A sweep: the same recipe with a few values changed, over seeds, each run a DVC experiment.

An experiment runs in a copy of its own and shares DVC's cache, so that what two runs have in common (the policy
and the judge of a seed) is made once, and a sweep that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import Field, ValidationError

from verif.benchmarks.summary import MAIN
from verif.errors import RecipeError, VerifError
from verif.files import digest, write_json
from verif.recipe import Section, load_recipe, parse_recipe
from verif.stats import Interval, bootstrap_mean, paired_bootstrap

EVALUATION, VERDICTS = "reports/evaluation.json", "reports/evaluation/verdicts.parquet"


class Sweep(Section):
    """A sweep file: base recipe, seeds, which values a seed sets, and what each arm changes (dotted keys)."""

    sweep: str
    base: str
    seeds: tuple[int, ...] = Field(min_length=1)
    seeded: tuple[str, ...] = ("seed", "train.seed")
    arms: dict[str, dict[str, Any]] = Field(min_length=1)


@dataclass(frozen=True)
class Job:
    """One run: an arm with a seed."""

    arm: str
    seed: int
    values: dict[str, Any]

    def name(self, sweep: str) -> str:
        """The experiment's name, safe for git."""
        slug = "".join(c if c.isalnum() else "-" for c in self.arm.lower())
        return f"{sweep}-{slug}-{self.seed}-{digest(self.values)[:6]}"


@dataclass(frozen=True)
class Line:
    """One line of the table: an arm over all its seeds."""

    arm: str
    before: Interval
    after: Interval
    gain: Interval
    by_seed: tuple[float, ...]


def load_sweep(path: Path, recipes: Path) -> Sweep:
    """A sweep whose every arm gives a valid recipe."""
    if not path.is_file():
        raise RecipeError(f"{path} does not exist.")
    try:
        found = Sweep.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        where = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"{path}: {where}: {first['msg']}", "See recipes/ablation.yaml.") from None
    base = load_recipe(found.base, recipes).model_dump(mode="json", by_alias=True)
    for job in jobs(found):
        parse_recipe(changed(base, job.values), f"{path}: arm {job.arm!r}")
    return found


def jobs(sweep: Sweep) -> list[Job]:
    """Seed by seed, so that a seed's policy is made once and then shared."""
    return [
        Job(arm, seed, {**dict.fromkeys(sweep.seeded, seed), **values})
        for seed in sweep.seeds
        for arm, values in sweep.arms.items()
    ]


def changed(recipe: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """A recipe with dotted keys set."""
    out: dict[str, Any] = orjson.loads(orjson.dumps(recipe))
    for key, value in values.items():
        *parents, last = key.split(".")
        place = out
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return out


def run_job(root: Path, sweep: Sweep, job: Job, target: str = "evaluate") -> None:
    """`dvc exp run --temp` up to the evaluation; its output goes to the log below `.verif/sweeps`."""
    name = job.name(sweep.sweep)
    log = root / ".verif" / "sweeps" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    sets = [
        part
        for key, value in job.values.items()
        for part in ("-S", f"recipes/{sweep.base}.yaml:++{key}={_text(value)}")
    ]
    command = [
        sys.executable,
        "-m",
        "dvc",
        "exp",
        "run",
        "--temp",
        "--name",
        name,
        *_recipe(sweep),
        *sets,
        target,
    ]
    with log.open("ab") as stream:
        done = subprocess.run(
            command, cwd=root, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        last = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()][-3:]
        raise VerifError(
            f"{name} ended with exit code {done.returncode}: {' '.join(last)[:400]}", f"Log: {log}."
        )


def _recipe(sweep: Sweep) -> list[str]:
    return ["-S", f"params.yaml:recipe={sweep.base}"]


def _text(value: Any) -> str:
    return orjson.dumps(value).decode() if not isinstance(value, str) else value


def result(root: Path, sweep: Sweep, job: Job) -> tuple[list[float], list[float], list[str]] | None:
    """Whole prompts followed before and after, by prompt id, of a finished run; None if it has not run."""
    kept = root / ".verif" / "sweeps" / f"{job.name(sweep.sweep)}.json"
    if kept.is_file():
        found = orjson.loads(kept.read_bytes())
        return found["before"], found["after"], found["ids"]
    rows = _rows(root, job.name(sweep.sweep))
    if rows is None:
        return None
    write_json(kept, dict(zip(("before", "after", "ids"), rows, strict=True)))
    return rows


def _rows(root: Path, rev: str) -> tuple[list[float], list[float], list[str]] | None:
    import dvc.api
    import pyarrow.parquet as pq
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    from verif.benchmarks.case import Row
    from verif.benchmarks.scores import outcomes

    try:
        table = pq.read_table(io.BytesIO(dvc.api.read(VERDICTS, repo=str(root), rev=rev, mode="rb")))
    except (DvcException, SCMError, FileNotFoundError):
        return None
    rows = [Row(**row) for row in table.to_pylist()]
    own = [row for row in rows if row.mode == MAIN and row.benchmark == rows[0].benchmark]
    sides = [
        {o.id: o for o in outcomes([r for r in own if r.model == m]) if o.known} for m in ("before", "after")
    ]
    ids = [id for id in sides[1] if id in sides[0]]
    return [sides[0][id].followed for id in ids], [sides[1][id].followed for id in ids], ids


def run_sweep(root: Path, sweep: Sweep, say: Callable[[str], None]) -> list[Line]:
    """Run what has not run yet; returns the table."""
    todo = jobs(sweep)
    for number, job in enumerate(todo, 1):
        state = "is there"
        if result(root, sweep, job) is None:
            say(f"{number}/{len(todo)} {job.arm}, seed {job.seed}: running")
            run_job(root, sweep, job)
            state = "done"
            if result(root, sweep, job) is None:
                raise VerifError(
                    f"{job.name(sweep.sweep)} left no {VERDICTS}.", "See its log below .verif/sweeps."
                )
        say(f"{number}/{len(todo)} {job.arm}, seed {job.seed}: {state}")
    return table(root, sweep)


def table(root: Path, sweep: Sweep) -> list[Line]:
    """The arms over the seeds that have run; prompts of all seeds are pooled, each its own cluster."""
    out = []
    for arm in sweep.arms:
        before: list[float] = []
        after: list[float] = []
        by_seed = []
        for job in jobs(sweep):
            found = result(root, sweep, job) if job.arm == arm else None
            if found:
                before += found[0]
                after += found[1]
                by_seed.append((sum(found[1]) - sum(found[0])) / max(1, len(found[0])))
        gain = paired_bootstrap(before, after).difference
        out.append(Line(arm, bootstrap_mean(before), bootstrap_mean(after), gain, tuple(by_seed)))
    return out
