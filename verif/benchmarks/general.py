"""General ability through lm-eval (GSM8K, MMLU-Pro, BBH, DROP, ...) against the served policy, before and after.

lm-eval is asked through its OpenAI client, so the policy is measured the way it is served. A task's name, or the
path of a task file, stands in the recipe; names are checked against lm-eval's registry before anything is served.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verif.benchmarks.run import context_of
from verif.errors import RecipeError, ServiceError
from verif.stats import bootstrap_mean

if TYPE_CHECKING:
    from verif.stages.context import Stage

GENERATION_TOKENS = 256


def check_tasks(tasks: Sequence[str], root: Path) -> Any:
    """lm-eval's task manager that knows all of them; an unknown name is a `RecipeError` with near misses."""
    import difflib

    os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
    from lm_eval.tasks import TaskManager

    folders = sorted({str((root / task).parent) for task in tasks if task.endswith(".yaml")})
    manager = TaskManager(include_path=folders or None)
    known = set(manager.all_tasks)
    for task in tasks:
        if _name(task) not in known:
            near = difflib.get_close_matches(_name(task), known, n=3)
            hint = f"Near: {', '.join(near)}." if near else "See `lm-eval ls tasks`."
            raise RecipeError(f"lm-eval has no task {_name(task)!r} (evaluate.general_tasks).", hint)
    return manager


def _name(task: str) -> str:
    return Path(task).stem if task.endswith(".yaml") else task


def measure_general(stage: Stage, timings: dict[str, float]) -> dict[str, Any]:
    """Each task's main metric before and after, with intervals over its documents."""
    from verif.serving import serve

    section = stage.recipe.evaluate
    manager = check_tasks(section.general_tasks, stage.root)
    resources = stage.recipe.resources.get("evaluate")
    found: dict[str, dict[str, Any]] = {}
    for name, folder in (("before", stage.models / "policy"), ("after", stage.models / "trained")):
        begun, log = time.monotonic(), stage.state / "logs" / f"general-{name}.log"
        gpus = resources.gpus if resources else 0
        with serve(folder, log=log, gpus=gpus, context=context_of(folder)) as url:
            for task, cells in ask(url, folder, section.general_tasks, manager, section.seed).items():
                metric, values = cells
                cell = bootstrap_mean(values, None, section.bootstrap, section.seed).as_dict()
                found.setdefault(task, {"metric": metric})[name] = cell
        timings[f"general_{name}"] = time.monotonic() - begun
    return found


def ask(
    url: str, tokenizer: Path, tasks: Sequence[str], manager: Any, seed: int, limit: int | None = None
) -> dict[str, tuple[str, list[float]]]:
    """Task -> (metric, one value per document), from lm-eval against the server at `url` (model name `model`)."""
    import lm_eval

    arguments = {
        "model": "model", "base_url": f"{url}/completions", "tokenizer": str(tokenizer), "num_concurrent": 16,
        "max_retries": 2, "tokenized_requests": False, "max_gen_toks": GENERATION_TOKENS,
    }  # fmt: skip
    try:
        result = lm_eval.simple_evaluate(
            model="local-completions", model_args=arguments, tasks=[_name(task) for task in tasks],
            task_manager=manager, limit=limit, log_samples=True, random_seed=seed, numpy_random_seed=seed,
            torch_random_seed=seed, fewshot_random_seed=seed, bootstrap_iters=0, verbosity="ERROR",
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as error:
        raise ServiceError(
            f"lm-eval ended: {error}", "A task's data set must be on this machine, or reachable."
        ) from None
    out = {}
    for task, samples in result["samples"].items():
        metric = samples[0]["metrics"][0]
        out[task] = (metric, [float(sample[metric]) for sample in samples])
    return out
