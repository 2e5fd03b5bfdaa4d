"""The audit under pressure from rollouts to findings: accepted and false, the best of n, and the search."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from verif.audit.cases import AuditCase, ask
from verif.audit.pressure.accepted import PressedAnswer, by_construction, false_accepted
from verif.audit.pressure.best_of import Curve, curve
from verif.audit.pressure.search import Search, search
from verif.audit.pressure.truth import Truths, contradictions
from verif.core.verifies import Verifies
from verif.recipe import Recipe
from verif.stats import Interval, proportion
from verif.types import Instruction

log = logging.getLogger("verif.audit")

AGAIN = 32
"""Answers about which the oracle is asked twice."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Answers of the policy to one instruction, at one temperature."""

    instruction: Instruction
    texts: tuple[str, ...]
    temperature: float


@dataclass(slots=True)
class Pressure:
    """What pressure found. `unknown`: answers whose truth the oracle could not say; `wavering`, of `twice`: answered otherwise
    when asked again."""

    answers: list[PressedAnswer]
    false_accepted: Interval
    by_temperature: dict[float, Interval]
    constructions: dict[str, Interval]
    curve: Curve | None
    search: Search
    judged: bool
    unknown: int = 0
    wavering: int = 0
    twice: int = 0
    notes: list[str] = field(default_factory=list)

    def contradicted(self) -> list[tuple[Instruction, str, bool]]:
        """Instruction, text and truth wherever judge and oracle differ, rollouts and mutants alike, each once."""
        return _each((case, truth) for case, truth, said in self._compared(mutants=True) if truth is not said)

    def agreed(self) -> list[tuple[Instruction, str, bool]]:
        """The same of the policy's own answers wherever judge and oracle say the same."""
        return _each((case, truth) for case, truth, said in self._compared() if truth is said)

    def accept_true(self) -> Interval:
        """Of the policy's true answers, the share that is accepted."""
        accepted = [said for _, truth, said in self._compared() if truth]
        return proportion(sum(accepted), len(accepted))

    def recall_false(self) -> Interval:
        """Of false answers and false mutants, the share that is refused."""
        refused = [not said for _, truth, said in self._compared(mutants=True) if not truth]
        return proportion(sum(refused), len(refused))

    def _compared(self, mutants: bool = False) -> Iterator[tuple[AuditCase, bool, bool]]:
        """Case, truth and verdict about the soft constraints (the hard ones where no judge is asked); an answer about which
        one of the two is silent is left out."""
        asked = [(answer.case, answer.opinion) for answer in self.answers]
        if mutants:
            asked += [(mutant.case, mutant.opinion) for mutant in self.search.mutants]
        for case, opinion in asked:
            truth, said = (case.soft, opinion.judge) if self.judged else (case.hard, opinion.rules)
            if truth is not None and said is not None:
                yield case, truth, said


def _each(cases: Iterable[tuple[AuditCase, bool]]) -> list[tuple[Instruction, str, bool]]:
    """Each text of an instruction once, with its truth."""
    told = {(case.instruction.id, case.text): (case.instruction, case.text, truth) for case, truth in cases}
    return list(told.values())


async def measure(
    verifier: Verifies, drawn: Sequence[Drawn], recipe: Recipe, truths: Truths, mutants: int, seed: int
) -> Pressure:
    """Ask verifier and oracle about every answer, then search from those that both accept.

    Raises `ServiceError` if the verifier leaves a question without an answer; an oracle that does is counted.
    """
    began, section = time.monotonic(), recipe.verifier
    asked = [(group.instruction, text) for group in drawn for text in group.texts]
    temperatures = [group.temperature for group in drawn for _ in group.texts]
    told = await truths(asked)
    cases = [
        AuditCase(f"rollout-{n}", i, text, t)
        for n, ((i, text), t) in enumerate(zip(asked, told, strict=True))
    ]
    opinions = await ask(verifier, cases, section.formula, soft=recipe.judged, reasoning=section.reasoning)
    answers = [PressedAnswer(c, o, t) for c, o, t in zip(cases, opinions, temperatures, strict=True)]
    wavering, twice = await contradictions(truths, asked[:: max(1, len(asked) // AGAIN)])
    _say(f"{len(answers)} answers of the policy to {len(drawn)} instructions", began)
    began = time.monotonic()
    parents = list(
        {(a.case.instruction.id, a.case.text): a.case for a in answers if _both(a, recipe)}.values()
    )
    tried = await search(verifier, parents, recipe, truths, mutants, f"search-{seed}")
    _say(f"{len(tried.mutants)} mutants of {tried.parents} accepted answers", began)
    return Pressure(
        answers=answers,
        false_accepted=false_accepted(answers, section.formula, seed),
        by_temperature={
            t: false_accepted([a for a in answers if a.temperature == t], section.formula, seed)
            for t in sorted(set(temperatures))
        },
        constructions=by_construction(answers, section.formula),
        curve=curve(_by_prompt(answers, recipe), seed),
        search=tried,
        judged=recipe.judged,
        unknown=sum(a.case.claimed(section.formula) is None for a in answers),
        wavering=wavering,
        twice=twice,
        notes=_notes(answers, tried, recipe),
    )


def _both(answer: PressedAnswer, recipe: Recipe) -> bool:
    return bool(answer.opinion.accepted) and answer.case.claimed(recipe.verifier.formula) is True


def _by_prompt(answers: Sequence[PressedAnswer], recipe: Recipe) -> list[list[tuple[float, bool]]]:
    """Reward and truth of the answers to each instruction; those without either (an error, an unknown truth) are left out."""
    out: dict[tuple[str, float], list[tuple[float, bool]]] = {}
    for answer in answers:
        truth, value = answer.case.claimed(recipe.verifier.formula), answer.opinion.value
        if truth is not None and value is not None:
            out.setdefault((answer.case.instruction.id, answer.temperature), []).append((value, truth))
    return list(out.values())


def _notes(answers: Sequence[PressedAnswer], tried: Search, recipe: Recipe) -> list[str]:
    """What pressure could not say, and why."""
    notes = []
    if not any(a.case.claimed(recipe.verifier.formula) is False for a in answers):
        notes.append(
            f"pressure: none of the policy's {len(answers)} answers is false: what it would sell is not in them"
            " (raise `verifier.pressure.hotter`)"
        )
    if not tried.parents:
        notes.append("pressure: no answer is both true and accepted, so the search had nowhere to begin")
    if recipe.judged and not any("p_pass" in v.evidence for a in answers for v in a.opinion.verdicts):
        notes.append(
            "pressure: the judge gives no log-probabilities: answers of equal reward count as chosen equally often"
        )
    return notes


def _say(what: str, began: float) -> None:
    log.info("audit: %s in %.1f s", what, time.monotonic() - began)
