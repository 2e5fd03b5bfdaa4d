"""`make bench-one-gpu [SECONDS=540]`: the recipe `smollm2-rules` on this machine's GPU: train, compare before and after, time.

Rollouts come from transformers, so no vLLM is needed. Each part writes what it found into OUT/results.json before the next
begins, and a part that fails is named there. SECONDS bound all of it: training takes what the other parts leave, and is
told to end with a checkpoint. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.main import ROOT
from benchmarks.one_gpu_answers import answers_of, scores
from benchmarks.one_gpu_bare import bare_steps
from benchmarks.one_gpu_record import recorded
from verif.data.rollouts import step_path
from verif.errors import VerifError
from verif.pipeline.stages import policy, prepare
from verif.project import Stage
from verif.recipe import Recipe, load_recipe, parse_recipe
from verif.service import lease
from verif.system.files import write_json
from verif.training import launch
from verif.training.export import export
from verif.training.holder import GRACE
from verif.training.progress import RunFolder

ASIDE_S = 150.0
"""What evaluation and the bare steps need of the whole time."""


@dataclass
class Bench:
    """One measurement: its stage, its folder of results, and until when it may run (monotonic seconds)."""

    stage: Stage
    out: Path
    until: float
    results: dict[str, Any] = field(default_factory=dict)

    def part(self, name: str, work: Callable[[], dict[str, Any]]) -> None:
        """Do one part and write down what it says; what goes wrong is written down, too."""
        began = time.monotonic()
        try:
            said = work()
        except Exception as error:  # the next part may still tell something
            traceback.print_exc()
            said = {"failed": f"{type(error).__name__}: {error}"[:2000]}
        self.results[name] = {**said, "seconds": round(time.monotonic() - began, 1)}
        write_json(self.out / "results.json", self.results)
        print(f"{name}: {json.dumps(self.results[name])[:2000]}", flush=True)

    def left(self) -> float:
        """Seconds until the end."""
        return self.until - time.monotonic()


def recipe_for(settings: dict[str, Any]) -> Recipe:
    """The recipe `smollm2-rules` on one GPU, with what the command line changes of its `train` section."""
    base = load_recipe("smollm2-rules", ROOT / "recipes").model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    train = {"rollout": "transformers", "gpus": int(has_gpu()), "save_every": 10, "validate_every": 20}
    return parse_recipe({**base, "train": {**base["train"], **train, **settings}}, "the bench")


def has_gpu() -> bool:
    """Whether torch sees a card."""
    import torch

    return torch.cuda.is_available()


def card() -> dict[str, Any]:
    """The card, its driver's CUDA, and the versions that train."""
    import torch

    said: dict[str, Any] = {name: launch.installed(name) for name in launch.TRAINED_WITH}
    if has_gpu():
        free, total = torch.cuda.mem_get_info()
        said |= {
            "card": torch.cuda.get_device_name(0),
            "gb": round(total / 2**30, 1),
            "free_gb": round(free / 2**30, 1),
        }
        said["cuda"] = torch.version.cuda
    return said


def made(stage: Stage) -> dict[str, Any]:
    """Data and the starting policy."""
    if not (stage.data / "train.parquet").is_file():
        prepare.run(stage)
    if not (stage.models / "policy").is_dir():
        policy.run(stage)
    return {}


def trained(bench: Bench, reserve: float) -> dict[str, Any]:
    """Train until the recipe's last step or the time is over; the last checkpoint becomes models/trained."""
    stage, late = bench.stage, bench.until - reserve

    def look(step: int) -> None:
        numbers = folder.metrics(step)
        with (bench.out / "steps.jsonl").open("a") as stream:
            stream.write(json.dumps({"step": step, **numbers}) + "\n")
        if time.monotonic() > late:
            raise KeyboardInterrupt

    os.environ[GRACE] = "120"  # a run that is told to end saves its step first
    with lease.verifier(stage) as endpoint, launch.opened(stage, endpoint) as folder:
        try:
            with recorded(launch):
                launch.reinforce(stage, endpoint, folder, look)
        except KeyboardInterrupt:
            print("the time is over", flush=True)
        finally:
            keep(folder, bench.out)
        step = folder.checkpoint()
        export(folder.at(step), stage.models / "policy", stage.models / "trained")
        return {"step": step, **speeds(folder)}


def keep(folder: RunFolder, out: Path) -> None:
    """The log's end, the recorded batch and a few steps' rollouts."""
    if folder.log.is_file():
        (out / "train.log").write_bytes(folder.log.read_bytes()[-2_000_000:])
    for path in folder.path.glob("recorded-*.pt"):
        shutil.copyfile(path, out / path.name)
    done = folder.done()
    for step in done[:1] + done[-1:]:
        shutil.copyfile(step_path(folder.rollouts, step), out / step_path(out, step).name)
    write_json(out / "validations.json", {str(step): said for step, said in folder.validations().items()})


def speeds(folder: RunFolder) -> dict[str, Any]:
    """Medians over the steps after the first two, which record graphs and fill caches."""
    steps = [folder.metrics(step) for step in folder.done()][2:] or [folder.metrics(s) for s in folder.done()]
    if not steps:
        return {}

    def median(name: str) -> float | None:
        values = [numbers[name] for numbers in steps if name in numbers]
        return round(statistics.median(values), 4) if values else None

    names = sorted(name for name in steps[-1] if name.startswith(("timing_s/", "perf/")))
    said: dict[str, Any] = {name: median(name) for name in ("verif/step_s", "verif/reward_wait_s", *names)}
    tokens, answers = median("perf/total_num_tokens"), median("response_length/mean")
    if tokens and (update := said.get("timing_s/update_actor")):
        said["tokens_per_s_train"] = round(tokens / update, 1)
    if answers and (generation := said.get("timing_s/gen")):
        said["tokens_per_s_generate"] = round(answers * (median("verif/rollouts") or 0) / generation, 1)
    return said


def main() -> int:
    """Run all parts; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=540.0)
    parser.add_argument("--home", type=Path, default=ROOT / ".verif" / "bench-one-gpu")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--train", default="{}", help="settings of the recipe's train section, as JSON")
    parser.add_argument("--aside", type=float, default=ASIDE_S)
    parser.add_argument("--bare", type=int, default=6, help="steps of veRL alone")
    parser.add_argument("--ifeval", type=Path)
    parser.add_argument("--limit", type=int, help="cases of each benchmark")
    parser.add_argument("--parts", default="train,answers,scores,bare", help="those to do, in this order")
    asked = parser.parse_args()
    out = asked.out or asked.home / "out"
    out.mkdir(parents=True, exist_ok=True)
    settings = json.loads(asked.train)
    stage = Stage(asked.home.resolve(), recipe_for(settings), ROOT / "verif/data/composed")
    stage.root.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("VERIF_PACKAGES", str(ROOT / ".packages"))
    bench = Bench(stage, out.resolve(), time.monotonic() + asked.seconds)
    bench.part("machine", card)
    bench.part("inputs", lambda: made(stage))
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "train": lambda: trained(bench, asked.aside),
        "answers": lambda: answers_of(stage, bench.out, asked.ifeval, asked.limit),
        "scores": lambda: scores(stage, bench.out, asked.ifeval, asked.limit),
        "bare": lambda: bare_steps(stage, bench.out, asked.bare, max(30.0, bench.left())),
    }
    for name, work in parts.items():
        if name in asked.parts.split(","):
            bench.part(name, work)
    print(json.dumps(bench.results), flush=True)
    return int(any("failed" in said for said in bench.results.values()))


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except VerifError as error:
        raise SystemExit(f"bench: {error}") from None
