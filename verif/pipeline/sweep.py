"""A sweep: the same recipe with a few values changed, over seeds, each run a DVC experiment.

An experiment runs in a copy of its own and shares DVC's cache, so that what two runs have in common (the policy
and the judge of a seed) is made once, and a sweep that was interrupted goes on where it stopped. A kept result
counts only for the code and recipe it was made with; where a change did not touch a stage, DVC's cache still has it.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import Field, ValidationError

from verif.errors import RecipeError, VerifError
from verif.evaluation.summary import MAIN
from verif.recipe import Section, load_recipe, parse_recipe
from verif.system.files import digest, write_json
from verif.system.git import ask, git

VERDICTS = "reports/evaluation/verdicts.parquet"

Run = tuple[list[float], list[float], list[str]]
"""Whole prompts followed before and after, and for each a key of its id and text: the same one in every seed that asks it."""


class Sweep(Section):
    """A sweep file: base recipe, seeds, which values a seed sets, and what each arm changes (dotted keys).

    An arm may name a `base` of its own, and its own `seeded`: a judge of another kind has other keys.
    """

    sweep: str
    base: str
    seeds: tuple[int, ...] = Field(min_length=1)
    seeded: tuple[str, ...] = ("seed", "train.seed")
    arms: dict[str, dict[str, Any]] = Field(min_length=1)


@dataclass(frozen=True)
class Trial:
    """One run: an arm with a seed, in a state of the project (`project_state`)."""

    arm: str
    seed: int
    values: dict[str, Any]
    state: str = ""
    base: str = ""

    def name(self, sweep: str) -> str:
        """The experiment's name, safe for git."""
        based = [self.base] if self.base else []
        return f"{self.prefix(sweep)}-{digest([self.values, self.state, *based])[:6]}"

    def prefix(self, sweep: str) -> str:
        """What the names of this arm and seed have in common whatever the values and the state."""
        slug = "".join(c if c.isalnum() else "-" for c in self.arm.lower())
        return f"{sweep}-{slug}-{self.seed}"


def load_sweep(path: Path, recipes: Path) -> Sweep:
    """A sweep whose every arm gives a valid recipe."""
    if not path.is_file():
        raise RecipeError(f"{path} does not exist.")
    try:
        sweep = Sweep.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        where = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"{path}: {where}: {first['msg']}", "See sweeps/ablation.yaml.") from None
    for job in jobs(sweep):
        base = load_recipe(job.base or sweep.base, recipes).model_dump(mode="json", by_alias=True)
        parse_recipe(changed(base, job.values), f"{path}: arm {job.arm!r}")
    return sweep


def project_state(root: Path) -> str:
    """The commit with what was changed since, recipes included, but for reports and `dvc.lock`, which runs write."""
    head = ask(root, "rev-parse", "HEAD")
    if not head.ok:
        raise VerifError(f"a sweep needs a git repository with a commit: {head.complaint}")
    changes = git(root, "diff", "HEAD", "--", ".", ":(exclude)reports", ":(exclude)dvc.lock")
    return digest([head.text, changes.encode("utf-8", "surrogateescape").decode("utf-8", "replace")])


def jobs(sweep: Sweep, state: str = "") -> list[Trial]:
    """Seed by seed, so that a seed's policy is made once and then shared."""
    return [_trial(sweep, arm, seed, state) for seed in sweep.seeds for arm in sweep.arms]


def _trial(sweep: Sweep, arm: str, seed: int, state: str) -> Trial:
    values = dict(sweep.arms[arm])
    base, seeded = str(values.pop("base", "")), values.pop("seeded", sweep.seeded)
    return Trial(arm, seed, {**dict.fromkeys(seeded, seed), **values}, state, base)


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


def run_job(root: Path, sweep: Sweep, job: Trial, target: str = "evaluate") -> None:
    """`dvc exp run --temp` up to the evaluation; its output goes to the log below `.verif/sweeps`."""
    name = job.name(sweep.sweep)
    log = root / ".verif" / "sweeps" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    base = job.base or sweep.base
    sets = [
        part
        for key, value in job.values.items()
        for part in ("-S", f"recipes/{base}.yaml:++{key}={_text(value)}")
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
        "-S",
        f"params.yaml:recipe={base}",
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


def _text(value: Any) -> str:
    return orjson.dumps(value).decode() if not isinstance(value, str) else value


def told(root: Path, sweep: Sweep, job: Trial, name: str) -> dict[str, Any]:
    """A report of a finished run, e.g. `train.json`; empty where it left none."""
    import dvc.api
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    try:
        content = dvc.api.read(f"reports/{name}", repo=str(root), rev=job.name(sweep.sweep), mode="rb")
    except (DvcException, SCMError, FileNotFoundError):
        return {}
    report: dict[str, Any] = orjson.loads(content)
    return report


def result(root: Path, sweep: Sweep, job: Trial) -> Run | None:
    """Whole prompts followed before and after, by prompt id, of a finished run; None if it has not run."""
    kept = root / ".verif" / "sweeps" / f"{job.name(sweep.sweep)}.json"
    if kept.is_file():
        stored = orjson.loads(kept.read_bytes())
        return stored["before"], stored["after"], stored["ids"]
    rows = _rows(root, job.name(sweep.sweep))
    if rows is None:
        return None
    write_json(kept, dict(zip(("before", "after", "ids"), rows, strict=True)))
    return rows


def _rows(root: Path, rev: str) -> Run | None:
    import dvc.api
    import pyarrow.parquet as pq
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    from verif.evaluation.case import VerdictRow
    from verif.evaluation.scores import outcomes

    try:
        table = pq.read_table(io.BytesIO(dvc.api.read(VERDICTS, repo=str(root), rev=rev, mode="rb")))
    except (DvcException, SCMError, FileNotFoundError):
        return None
    rows = [VerdictRow(**row) for row in table.to_pylist()]
    own = [row for row in rows if row.mode == MAIN and row.benchmark == rows[0].benchmark]
    sides = [
        {o.id: o for o in outcomes([r for r in own if r.model == m]) if o.known} for m in ("before", "after")
    ]
    ids = [id for id in sides[1] if id in sides[0]]
    texts = {row.id: row.prompt for row in own}
    keys = [f"{id}:{digest(texts[id])[:12]}" for id in ids]
    return [sides[0][id].followed for id in ids], [sides[1][id].followed for id in ids], keys


def outdated(root: Path, sweep: Sweep, todo: Sequence[Trial]) -> int:
    """How many kept results of these arms and seeds belong to other code, recipes or values."""
    folder, own = root / ".verif" / "sweeps", {f"{job.name(sweep.sweep)}.json" for job in todo}
    kept = {path.name for job in todo for path in folder.glob(f"{job.prefix(sweep.sweep)}-??????.json")}
    return len(kept - own)


def run_sweep(root: Path, sweep: Sweep, say: Callable[[str], None], *, run: bool = True) -> list[Trial]:
    """Run what has not run yet, unless told not to; returns all jobs, those included that have not run."""
    todo = jobs(sweep, project_state(root))
    if old := outdated(root, sweep, todo):
        say(f"{old} kept results were made with other code or another recipe; they are not used.")
    for number, job in enumerate(todo if run else (), 1):
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
    return todo
