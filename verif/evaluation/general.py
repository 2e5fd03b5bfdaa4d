"""General ability through lm-eval (GSM8K, MMLU-Pro, BBH, DROP, ...) against the served policy, before and after.

lm-eval is asked through its OpenAI client, so the policy is measured the way it is served; one that reasons first
(`verifier.reasoning`) through `verif.evaluation.thinking`. A task's name, or the path of a task file, stands in the
recipe; names are checked against lm-eval's registry before anything is served.

lm-eval scores a response once per filter (GSM8K: `strict-match` and `flexible-extract`). One filter counts, so that a
document counts once: `strict-match` where a task has it, else its first. The metric's name says which, in lm-eval's
own spelling: `exact_match,strict-match`. A group's line (BBH, MMLU-Pro) pools the documents of its tasks.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verif.core.reasoning import demanded
from verif.errors import RecipeError, ServiceError
from verif.evaluation.generate import TIMEOUT_S
from verif.evaluation.run import context_of
from verif.stats import bootstrap_mean, holm, paired_bootstrap
from verif.types import Reasoning

if TYPE_CHECKING:
    from verif.project import Stage

GENERATION_TOKENS = 256
STRICT = "strict-match"
_LOCAL_DATA = re.compile(r"^dataset_path:\s*[\"']?(json|csv|parquet|text|arrow)\b", re.MULTILINE)

Scored = tuple[str, dict[str, float]]
"""A metric's name and its value by document."""


def check_tasks(tasks: Sequence[str], root: Path, *, reasoning: Reasoning = "auto") -> Any:
    """lm-eval's task manager that knows all of them; an unknown name is a `RecipeError` with near misses.

    So is a task that a policy that reasons first cannot be asked.
    """
    import difflib

    files = [root / task for task in tasks if task.endswith(".yaml")]
    for file in files:
        if not file.is_file():
            raise RecipeError(f"{file} does not exist (evaluate.general_tasks).")
    local = len(files) == len(tasks) and all(_LOCAL_DATA.search(file.read_text("utf-8")) for file in files)
    if local:
        # `datasets` asks the hub even for files on the disk; tasks of the hub must reach it on a fresh machine.
        os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
    from lm_eval.tasks import TaskManager

    folders = sorted({str(file.parent) for file in files})
    # lm-eval reads its ten thousand files in twelve seconds; where every task is a file of its own, none is needed
    manager = TaskManager(include_path=folders or None, include_defaults=not local)
    known = set(manager.all_tasks)
    for task in tasks:
        if _name(task) not in known:
            near = difflib.get_close_matches(_name(task), known, n=3)
            hint = f"Near: {', '.join(near)}." if near else "See `lm-eval ls tasks`."
            raise RecipeError(f"lm-eval has no task {_name(task)!r} (evaluate.general_tasks).", hint)
        if demanded(reasoning):
            _check_answers(manager, _name(task))
    return manager


def _check_answers(manager: Any, task: str) -> None:
    from verif.evaluation.thinking import likelihoods

    unanswered = likelihoods(manager.task_index, task)
    if unanswered:
        raise RecipeError(
            f"lm-eval's task {task!r} asks how likely given answers are ({', '.join(unanswered[:3])}); the policy reasons "
            "first (verifier.reasoning), so they do not stand where they would be measured.",
            "Choose a task that lets the policy write its answer (gsm8k, mmlu_pro, bbh, drop).",
        )


def _name(task: str) -> str:
    return Path(task).stem if task.endswith(".yaml") else task


def measure_general(
    stage: Stage, manager: Any, timings: dict[str, float], warnings: list[str]
) -> dict[str, Any]:
    """Each task's and group's main metric before and after, by `manager` of `check_tasks`; adds to `warnings`."""
    from verif.system.serving import serve

    section = stage.recipe.evaluate
    reasoning = stage.recipe.verifier.reasoning
    reasoning_tokens = section.response_tokens if demanded(reasoning) else 0
    resources = stage.recipe.resources.get("evaluate")
    by_name: dict[str, dict[str, Scored]] = {}
    for name, folder in (("before", stage.models / "policy"), ("after", stage.models / "trained")):
        begun, log = time.monotonic(), stage.state / "logs" / f"general-{name}.log"
        gpus = resources.gpus if resources else 0
        with serve(folder, log=log, gpus=gpus, context=context_of(folder)) as url:
            by_name[name], unfinished = ask(
                url,
                folder,
                section.general_tasks,
                manager,
                section.seed,
                reasoning=reasoning,
                reasoning_tokens=reasoning_tokens,
            )
        if unfinished:
            warnings.append(
                f"general tasks, {name}: {unfinished} responses did not finish their reasoning and count as wrong; "
                f"it had {reasoning_tokens} tokens (evaluate.response_tokens)"
            )
        timings[f"general_{name}"] = time.monotonic() - begun
    return compare(by_name["before"], by_name["after"], section.bootstrap, section.seed)


def compare(
    before: Mapping[str, Scored], after: Mapping[str, Scored], samples: int, seed: int
) -> dict[str, Any]:
    """Per task: both means with intervals over documents, and the paired gain, its p-value corrected (Holm)."""
    out: dict[str, Any] = {}
    for task, (metric, first) in before.items():
        second = after[task][1]
        both = [document for document in first if document in second]
        gain = paired_bootstrap([first[d] for d in both], [second[d] for d in both], None, samples, seed)
        out[task] = {
            "metric": metric,
            "before": bootstrap_mean(list(first.values()), None, samples, seed).as_dict(),
            "after": bootstrap_mean(list(second.values()), None, samples, seed).as_dict(),
            "gain": gain.as_dict(),
        }
    adjusted = holm([cells["gain"]["p_value"] for cells in out.values()])
    for cells, p_value in zip(out.values(), adjusted, strict=True):
        cells["gain"]["p_holm"] = p_value
    return out


def ask(
    url: str,
    folder: Path,
    tasks: Sequence[str],
    manager: Any,
    seed: int,
    *,
    reasoning: Reasoning = "think",
    reasoning_tokens: int = 0,
) -> tuple[dict[str, Scored], int]:
    """Task or group -> its scores, from lm-eval against the server at `url` (model name `model`, files in `folder`).

    `reasoning_tokens` are what a policy that reasons first may use for that; 0 means that it does not. The second
    value is how many responses did not finish their reasoning.
    """
    import aiohttp
    import lm_eval

    model, arguments = _client(url, folder, reasoning, reasoning_tokens)
    try:
        result = lm_eval.simple_evaluate(
            model=model, model_args=arguments, tasks=[_name(task) for task in tasks],
            task_manager=manager, log_samples=True, random_seed=seed, numpy_random_seed=seed,
            torch_random_seed=seed, fewshot_random_seed=seed, bootstrap_iters=0, verbosity="ERROR",
            apply_chat_template=reasoning_tokens > 0,
        )  # fmt: skip
    except aiohttp.ClientError as error:
        raise ServiceError(f"lm-eval got no completion from {url}: {error}") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise ServiceError(
            f"lm-eval ended: {error}", "A task's data set must be on this machine, or reachable."
        ) from None
    out = {task: _scored(task, samples) for task, samples in result["samples"].items()}
    return _totals(out, result.get("group_subtasks", {})) | out, getattr(model, "unfinished", 0)


def _client(
    url: str, folder: Path, reasoning: Reasoning, reasoning_tokens: int
) -> tuple[Any, dict[str, Any] | None]:
    """What lm-eval takes as a model, and its arguments."""
    if reasoning_tokens:
        from verif.evaluation.thinking import ThinkingPolicy

        return ThinkingPolicy(
            url, folder, reasoning=reasoning, reasoning_tokens=reasoning_tokens, answer_tokens=GENERATION_TOKENS,
            context=context_of(folder), timeout_s=TIMEOUT_S,
        ), None  # fmt: skip
    return "local-completions", {
        "model": "model", "base_url": f"{url}/completions", "tokenizer": str(folder), "num_concurrent": 16,
        "max_retries": 2, "tokenized_requests": False, "max_gen_toks": GENERATION_TOKENS,
    }  # fmt: skip


def _scored(task: str, samples: Sequence[Mapping[str, Any]]) -> Scored:
    """The task's first metric by document, under one filter."""
    filters = list(dict.fromkeys(str(sample["filter"]) for sample in samples))
    chosen = STRICT if STRICT in filters else filters[0]
    own = [sample for sample in samples if sample["filter"] == chosen]
    metric = str(own[0]["metrics"][0])
    name = metric if chosen == "none" else f"{metric},{chosen}"
    return name, {f"{task}/{sample['doc_id']}": float(sample[metric]) for sample in own}


def _totals(scored: Mapping[str, Scored], groups: Mapping[str, Sequence[str]]) -> dict[str, Scored]:
    """Every group's documents together, so that a task weighs what it has; none where the metrics differ."""

    def below(name: str) -> list[str]:
        return [name] if name in scored else [leaf for child in groups.get(name, ()) for leaf in below(child)]

    out = {}
    for group in groups:
        parts = [scored[leaf] for leaf in dict.fromkeys(below(group))]
        metrics = {metric for metric, _ in parts}
        if len(metrics) == 1:
            out[group] = (metrics.pop(), {key: v for _, values in parts for key, v in values.items()})
    return out
