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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import Field, ValidationError

from verif.benchmarks.summary import MAIN
from verif.errors import RecipeError, VerifError
from verif.files import digest, write_bytes, write_json
from verif.recipe import Section, load_recipe, parse_recipe
from verif.stats import Interval, PairedResult, bootstrap_mean, holm, paired_bootstrap

EVALUATION, VERDICTS = "reports/evaluation.json", "reports/evaluation/verdicts.parquet"

Run = tuple[list[float], list[float], list[str]]
"""Whole prompts followed before and after, by prompt id."""


class Sweep(Section):
    """A sweep file: base recipe, seeds, which values a seed sets, and what each arm changes (dotted keys)."""

    sweep: str
    base: str
    seeds: tuple[int, ...] = Field(min_length=1)
    seeded: tuple[str, ...] = ("seed", "train.seed")
    arms: dict[str, dict[str, Any]] = Field(min_length=1)


@dataclass(frozen=True)
class Job:
    """One run: an arm with a seed, in a state of the project (`project_state`)."""

    arm: str
    seed: int
    values: dict[str, Any]
    state: str = ""

    def name(self, sweep: str) -> str:
        """The experiment's name, safe for git."""
        return f"{self.prefix(sweep)}-{digest([self.values, self.state])[:6]}"

    def prefix(self, sweep: str) -> str:
        """What the names of this arm and seed have in common whatever the values and the state."""
        slug = "".join(c if c.isalnum() else "-" for c in self.arm.lower())
        return f"{sweep}-{slug}-{self.seed}"


@dataclass(frozen=True)
class Line:
    """One line of the table: an arm over all its seeds.

    `over_first` is this arm minus the first arm after training, over the seeds and prompts of both; `p_holm` its
    p-value corrected over the arms. The first arm has neither.
    """

    arm: str
    before: Interval
    after: Interval
    gain: Interval
    by_seed: tuple[float, ...]
    over_first: PairedResult | None = None
    p_holm: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        over = self.over_first and {**self.over_first.as_dict(), "p_holm": self.p_holm}
        cells = {name: getattr(self, name).as_dict() for name in ("before", "after", "gain")}
        return {"arm": self.arm, **cells, "by_seed": list(self.by_seed), "over_first": over}


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


def project_state(root: Path) -> str:
    """The commit with what was changed since, recipes included, but for reports and `dvc.lock`, which runs write."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, check=False)
        if done.returncode:
            raise VerifError(
                f"a sweep needs a git repository with a commit: {done.stderr.decode()[:200].strip()}"
            )
        return done.stdout.decode("utf-8", "replace")

    changes = git("diff", "HEAD", "--", ".", ":(exclude)reports", ":(exclude)dvc.lock")
    return digest([git("rev-parse", "HEAD"), changes])


def jobs(sweep: Sweep, state: str = "") -> list[Job]:
    """Seed by seed, so that a seed's policy is made once and then shared."""
    return [
        Job(arm, seed, {**dict.fromkeys(sweep.seeded, seed), **values}, state)
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


def result(root: Path, sweep: Sweep, job: Job) -> Run | None:
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


def _rows(root: Path, rev: str) -> Run | None:
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


def outdated(root: Path, sweep: Sweep, todo: Sequence[Job]) -> int:
    """How many kept results of these arms and seeds belong to other code, recipes or values."""
    folder, own = root / ".verif" / "sweeps", {f"{job.name(sweep.sweep)}.json" for job in todo}
    kept = {path.name for job in todo for path in folder.glob(f"{job.prefix(sweep.sweep)}-??????.json")}
    return len(kept - own)


def run_sweep(root: Path, sweep: Sweep, say: Callable[[str], None], *, run: bool = True) -> list[Line]:
    """Run what has not run yet, unless told not to; returns the table."""
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
    return table(root, sweep, todo)


def table(root: Path, sweep: Sweep, todo: Sequence[Job]) -> list[Line]:
    """The arms over the seeds that have run; prompts of all seeds are pooled, each its own cluster."""
    found = {(job.arm, job.seed): result(root, sweep, job) for job in todo}
    first = next(iter(sweep.arms))
    out = []
    for arm in sweep.arms:
        runs = [run for seed in sweep.seeds if (run := found[arm, seed])]
        before = [value for run in runs for value in run[0]]
        after = [value for run in runs for value in run[1]]
        by_seed = tuple((sum(run[1]) - sum(run[0])) / max(1, len(run[0])) for run in runs)
        gain = paired_bootstrap(before, after).difference
        pairs = [pair for seed in sweep.seeds for pair in _pairs(found[first, seed], found[arm, seed])]
        over = None if arm == first else paired_bootstrap([a for a, _ in pairs], [b for _, b in pairs])
        out.append(Line(arm, bootstrap_mean(before), bootstrap_mean(after), gain, by_seed, over))
    adjusted = iter(holm([line.over_first.p_value for line in out if line.over_first]))
    return [replace(line, p_holm=next(adjusted)) if line.over_first else line for line in out]


def _pairs(first: Run | None, second: Run | None) -> list[tuple[float, float]]:
    """What two runs of one seed did after training with the prompts that both know."""
    if first is None or second is None:
        return []
    known = dict(zip(first[2], first[1], strict=True))
    return [(known[id], value) for id, value in zip(second[2], second[1], strict=True) if id in known]


HEADER = ("arm", "n", "before", "after", "gain", "gain by seed", "over the first arm", "p (Holm)")


def cells(line: Line) -> tuple[str, ...]:
    """A line as text, under `HEADER`."""

    def shown(interval: Interval, sign: str = "") -> str:
        return f"{interval.value:{sign}.3f} [{interval.low:{sign}.3f}, {interval.high:{sign}.3f}]"

    over = ("", "")
    if line.over_first is not None and line.p_holm is not None:
        over = (shown(line.over_first.difference, "+"), f"{line.p_holm:.4f}")
    seeds = ", ".join(f"{value:+.3f}" for value in line.by_seed)
    return (
        line.arm,
        str(line.after.n),
        shown(line.before),
        shown(line.after),
        shown(line.gain, "+"),
        seeds,
        *over,
    )


def title(sweep: Sweep) -> str:
    """What the table holds."""
    return f"{sweep.sweep}: prompts followed in full, T=1, 95% interval over prompts of all seeds"


def keep(root: Path, sweep: Sweep, lines: Sequence[Line]) -> None:
    """The table as `reports/sweep-NAME.json` and, to be read, `reports/sweep-NAME.md`."""
    write_json(root / "reports" / f"sweep-{sweep.sweep}.json", [line.as_dict() for line in lines])
    rows = [HEADER, ("---",) * len(HEADER), *(cells(line) for line in lines)]
    text = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    note = "The last two columns compare each arm with the first after training, paired by seed and prompt."
    write_bytes(
        root / "reports" / f"sweep-{sweep.sweep}.md", f"# {title(sweep)}\n\n{text}\n\n{note}\n".encode()
    )
