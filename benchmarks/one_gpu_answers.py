"""Greedy and sampled answers of the start and of the trained model, judged by rules (part of `one_gpu.py`).

Beside the scores stands what rules alone invite: length, answers cut off, repetition (the mean and the worst tenth), words
copied from the prompt, and how likely an answer still is to the start model.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from verif.evaluation import catalog, verdicts
from verif.evaluation.case import Generation, conversation
from verif.evaluation.run import Answers, Suite, judge_all
from verif.evaluation.summary import MAIN, summarise
from verif.project import Stage
from verif.recipe.evaluate import BenchmarkSource
from verif.system.files import write_json
from verif.training.verl.decoder import GraphDecoder, Law

FILE = "answers.jsonl.gz"
TOKENS = 256
ROWS = 256
MODES = {"greedy": 0.0, MAIN: 1.0}
SAMPLES = 24
GRAM = 4


def answers_of(stage: Stage, out: Path, ifeval: Path | None, limit: int | None) -> dict[str, Any]:
    """Ask both models everything; the answers go to a file, what can be said without a verdict comes back."""
    suites = load(stage, ifeval, limit)
    answers: Answers = {}
    seconds: dict[str, float] = {}
    models = {"before": stage.models / "policy", "after": stage.models / "trained"}
    for name, folder in models.items():
        began = time.monotonic()
        answers |= answer(folder, name, suites)
        seconds[name] = round(time.monotonic() - began, 1)
        write(out / FILE, answers)
    write_json(out / "samples.json", samples(suites, answers))
    start, tokenizer = load_model(models["before"])
    habits = {
        name: {
            suite.benchmark.name: habits_of(
                suite, answers[suite.benchmark.name, name, "greedy"], start, tokenizer
            )
            for suite in suites
        }
        for name in models
    }
    return {"answer_s": seconds, "habits": habits}


def scores(stage: Stage, out: Path, ifeval: Path | None, limit: int | None) -> dict[str, Any]:
    """Judge the answers in the file: scores before and after with paired intervals; the verdicts go to another one."""
    suites, answers = load(stage, ifeval, limit), read(out / FILE)
    rows = judge_all(suites, answers, nobody, reasoning=stage.recipe.verifier.reasoning)
    verdicts.write(out / "verdicts.parquet", rows)
    said: dict[str, Any] = {}
    for suite in suites:
        own = [row for row in rows if row.benchmark == suite.benchmark.name]
        said[suite.benchmark.name] = brief(summarise(suite.benchmark, suite.cases, own, 2000, 1))
    return said


def write(path: Path, answers: Answers) -> None:
    """All answers as JSON lines, compressed."""
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        for key, given in answers.items():
            for id_, said in given.items():
                stream.write(json.dumps([*key, id_, asdict(said)]) + "\n")


def read(path: Path) -> Answers:
    """What `write` wrote."""
    answers: Answers = {}
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            benchmark, model, mode, id_, said = json.loads(line)
            answers.setdefault((benchmark, model, mode), {})[id_] = Generation(**said)
    return answers


def nobody() -> Any:
    """All of these benchmarks are decided by rules."""
    raise AssertionError("a benchmark asks for a verifier")


def load(stage: Stage, ifeval: Path | None, limit: int | None) -> list[Suite]:
    """The recipe's benchmarks, and IFEval where its file is given."""
    from verif.pipeline.stages.evaluate import load_suites

    section = stage.recipe.evaluate
    benchmarks = [benchmark.model_copy(update={"limit": limit}) for benchmark in section.benchmarks]
    recipe = stage.recipe.model_copy(
        update={"evaluate": section.model_copy(update={"benchmarks": tuple(benchmarks)})}
    )
    # Composed tasks hold rules only, so no service has to be asked.
    suites = [
        Suite(replace(suite.benchmark, judging="rules"), suite.cases)
        for suite in load_suites(Stage(stage.root, recipe, stage.source))
    ]
    if ifeval:
        asked = BenchmarkSource(name="ifeval", path=str(ifeval.resolve()), limit=limit)
        cases = catalog.load(asked.name, asked.path, stage.data, Path("/"), limit)
        suites.append(Suite(catalog.get("ifeval"), tuple(cases)))
    return suites


def load_model(folder: Path) -> tuple[Any, Any]:
    """A model on the card (or here) in bf16 (fp32), and its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from verif.training.data_only import OURS

    gpu = torch.cuda.is_available()
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16 if gpu else torch.float32, **OURS
    )
    return model.eval().to("cuda" if gpu else "cpu"), AutoTokenizer.from_pretrained(
        folder, trust_remote_code=False
    )


def answer(folder: Path, name: str, suites: Sequence[Suite]) -> Answers:
    """Every suite's answers in both modes; prompts of like length share a batch."""
    import torch

    model, tokenizer = load_model(folder)
    decoder = GraphDecoder(model, tokenizer.pad_token_id, tokenizer.eos_token_id)
    torch.manual_seed(1)
    asked = [
        (suite.benchmark.name, case.id, tokenizer.apply_chat_template(
            conversation(case, {}, {}), add_generation_prompt=True, return_dict=False))
        for suite in suites for case in suite.cases
    ]  # fmt: skip
    asked.sort(key=lambda row: (len(row[2]), row[0], row[1]))
    out: Answers = {(suite.benchmark.name, name, mode): {} for suite in suites for mode in MODES}
    for mode, temperature in MODES.items():
        for first in range(0, len(asked), ROWS):
            batch = asked[first : first + ROWS]
            made = decoder.answer([ids for _, _, ids in batch], Law(temperature, 1.0, -1, TOKENS))
            for (benchmark, id_, _), (tokens, _) in zip(batch, made, strict=True):
                text = tokenizer.decode(tokens, skip_special_tokens=True)
                finished = tokens[-1] == tokenizer.eos_token_id
                out[benchmark, name, mode][id_] = Generation(text, finished, len(tokens))
    return out


def habits_of(suite: Suite, answers: dict[str, Generation], start: Any, tokenizer: Any) -> dict[str, float]:
    """Means over the answers; `worst_tenth_repeated` over the tenth that repeats itself most."""
    texts = [(case.instruction.prompt, answers[case.id]) for case in suite.cases]
    repeated = sorted((repetition(said.text) for _, said in texts), reverse=True)
    tenth = repeated[: max(1, len(repeated) // 10)]
    asked = [(conversation(case, {}, {}), answers[case.id].text) for case in suite.cases]
    n = len(texts)
    return {
        "tokens": round(sum(said.tokens for _, said in texts) / n, 1),
        "unfinished": round(sum(not said.finished for _, said in texts) / n, 4),
        "empty": round(sum(not said.text.strip() for _, said in texts) / n, 4),
        "distinct": round(len({said.text for _, said in texts}) / n, 4),
        "repeated": round(sum(repeated) / n, 4),
        "worst_tenth_repeated": round(sum(tenth) / len(tenth), 4),
        "copied": round(sum(copied(prompt, said.text) for prompt, said in texts) / n, 4),
        "nats_under_start": round(likelihood(start, tokenizer, asked), 4),
    }  # fmt: skip


def grams(text: str) -> list[tuple[str, ...]]:
    """Runs of four words."""
    words = text.lower().split()
    return [tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)]


def repetition(text: str) -> float:
    """The share of runs of four words that stood in the text before."""
    runs = grams(text)
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def copied(prompt: str, text: str) -> float:
    """The share of runs of four words that stand in the prompt."""
    runs, known = grams(text), set(grams(prompt))
    return sum(run in known for run in runs) / len(runs) if runs else 0.0


def likelihood(model: Any, tokenizer: Any, asked: Sequence[tuple[Any, str]]) -> float:
    """Mean log-probability of a token (nats) over all answers, under a model that is asked the same."""
    import torch

    total = count = 0.0
    for batch in batches(model, tokenizer, asked):
        with torch.inference_mode():
            logits = model(input_ids=batch["ids"], attention_mask=batch["seen"]).logits[:, :-1].float()
        logs = torch.log_softmax(logits, -1).gather(2, batch["ids"][:, 1:, None])[..., 0]
        total += float((logs * batch["answer"][:, 1:]).sum())
        count += float(batch["answer"][:, 1:].sum())
    return total / max(1.0, count)


def batches(
    model: Any, tokenizer: Any, asked: Sequence[tuple[Any, str]], size: int = 32
) -> Iterator[dict[str, Any]]:
    """Prompts with their answers, padded at the right; `answer` marks the tokens that count."""
    import torch

    rows = []
    for messages, text in asked:
        prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        rows.append((prompt, tokenizer(text, add_special_tokens=False).input_ids))
    rows.sort(key=lambda row: len(row[0]) + len(row[1]))
    device = next(model.parameters()).device
    for first in range(0, len(rows), size):
        part = rows[first : first + size]
        width = max(len(prompt) + len(said) for prompt, said in part)
        made: dict[str, list[list[int]]] = {"ids": [], "seen": [], "answer": []}
        for prompt, said in part:
            gap = width - len(prompt) - len(said)
            made["ids"].append([*prompt, *said, *[tokenizer.pad_token_id] * gap])
            made["seen"].append([1] * (width - gap) + [0] * gap)
            made["answer"].append([0] * len(prompt) + [1] * len(said) + [0] * gap)
        yield {name: torch.tensor(values, device=device) for name, values in made.items()}


def samples(suites: Sequence[Suite], answers: Answers) -> list[dict[str, str]]:
    """The first cases of each benchmark with both greedy answers, side by side."""
    return [
        {
            "benchmark": suite.benchmark.name,
            "prompt": case.instruction.prompt,
            **{
                name: answers[suite.benchmark.name, name, "greedy"][case.id].text
                for name in ("before", "after")
            },
        }
        for suite in suites
        for case in suite.cases[:SAMPLES]
    ]


def brief(summary: dict[str, Any]) -> dict[str, Any]:
    """What of a benchmark's summary goes into results.json."""
    kept: dict[str, Any] = {"n": summary["n"], "gain": summary["gain"], "gain_greedy": summary["gain_greedy"]}
    for name in ("before", "after"):
        kept[name] = {
            "greedy": summary[name]["greedy_scores"],
            "sampled": summary[name]["scores"],
        }
    kept["families"] = summary["families"]
    return json.loads(json.dumps(kept))  # type: ignore[no-any-return]
