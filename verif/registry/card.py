"""The model card: what the evidence says, in Markdown, for MLflow's page of the version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verif.evaluation.summary import in_order
from verif.registry.criteria import Decision
from verif.registry.evidence import Evidence
from verif.registry.headline import Headline
from verif.registry.sentences import table

if TYPE_CHECKING:
    from verif.project import Stage


def _cell(interval: dict[str, Any] | None) -> str:
    return (
        f"{interval['value']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"
        if interval and interval["low"] is not None
        else "not measured"
    )


def card(stage: Stage, evidence: Evidence, decision: Decision, headline: Headline) -> str:
    """Headline, purpose, training, evaluation with intervals, safety of the verifier, gate, limits."""
    recipe = stage.recipe
    lines = [
        *table(headline),
        "",
        "Gains and intervals are differences of shares; `false` and `recall` are about the verifier.",
        "",
        f"# {recipe.register_.model_name}",
        "",
        f"{recipe.description or recipe.name}. Trained by {recipe.train.algorithm.upper()} against verified rewards "
        f"(formula `{recipe.verifier.formula}`), {recipe.train.steps} steps of {recipe.train.prompts_per_step} x "
        f"{recipe.train.rollouts_per_prompt} rollouts, seed {recipe.train.seed}.",
        "",
        "## Evaluation",
        "Share of prompts with every constraint met, 95% interval over prompts.",
        "",
        "| benchmark | n | sampling | before | after | gain | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, numbers in in_order(evidence.evaluation).items():
        lines += _lines(name, numbers)
    canary = evidence.evaluation.get("canary", {}).get("drop")
    lines += [
        "",
        f"General canary (fall of the probability per token of plain text): {_cell(canary)}.",
        "",
        "## Gate",
        f"Against {decision.against}: {'passed' if decision.passed else 'not passed'}.",
        "",
        *(f"- {'pass' if check.passed else 'FAIL'}: {check.name}: {check.note}" for check in decision.checks),
        "",
        "## Limits",
        "The numbers hold for the prompts of these benchmarks. The weights are the policy's only; the verifier that",
        "taught it has its own audit, which is kept beside this card.",
    ]
    return "\n".join(lines) + "\n"


def _lines(name: str, numbers: dict[str, Any]) -> list[str]:
    out = []
    for mode, key, gain in (("T=1", "strict", "gain"), ("greedy", "greedy", "gain_greedy")):
        before, after = numbers.get("before", {}).get(key), numbers.get("after", {}).get(key)
        if after:
            p = f"{numbers[gain]['p_value']:.4f}" if gain in numbers else ""
            cells = (_cell(before), _cell(after), _cell(numbers.get(gain)))
            out.append(f"| {name} | {numbers['n']} | {mode} | {' | '.join(cells)} | {p} |")
    return out
