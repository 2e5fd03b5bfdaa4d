"""Which of an answer's constraints are asked for together: no repeats, no more than it bears, the types evenly.

That they can be kept together is proven by the answer, which keeps each of them. What would still be nonsense side by side
(two counts of the same thing, a rule that the screening calls a clash) is left out.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from verif.data.builder.near import words
from verif.data.builder.pairs import SourcePair
from verif.data.builder.quarantine import Refusal
from verif.data.composed.styles import PLAIN, TRAINED, prompt
from verif.data.screening.rule_clashes import clash
from verif.data.screening.rule_rows import UNITS, counted
from verif.recipe import CombineSection
from verif.system.files import digest
from verif.types import Constraint, Instruction, RuleConstraint, is_hard, type_name

GROUPS = {
    "words": ("number_words", "max_words", "min_words", "word_constraint", "word_count"),
    "sentences": ("sentences", "sentence_constraint"),
    "bullets": ("bullet",),
    "highlights": ("highlight",),
    "paragraphs": ("paragraph",),
    "placeholders": ("placeholder",),
    "case": ("english_", "lowercase", "uppercase", "capital"),
    "begin": ("first_word", ":start", ":title", "quot"),
    "end": ("end_checker", ":end", "postscript"),
    "keyword": ("existence", "frequency", "keyword", "word_once"),
    "forbidden": ("forbid",),
    "comma": ("comma",),
}
"""Rules that speak of the same thing, by parts of their names: of a group a row has one."""


LONGEST_NUMBER = 10
"""Digits of a number that a question may mean."""


@dataclass(slots=True)
class Mixture:
    """How often each type was taken so far: the rarest comes next."""

    types: Counter[str] = field(default_factory=Counter)

    def order(self, constraints: Sequence[Constraint], rng: random.Random) -> list[Constraint]:
        """The rarest type first; equals by chance, which the pair's seed decides."""
        drawn = [(self.types[type_name(c)], rng.random(), n) for n, c in enumerate(constraints)]
        return [constraints[n] for _, _, n in sorted(drawn)]


def combined(
    pair: SourcePair, constraints: Sequence[Constraint], section: CombineSection, mixture: Mixture, seed: int
) -> Instruction | Refusal:
    """The pair's row, or why there is none. The same pair, constraints and mixture give the same row."""
    rng = random.Random(digest([seed, "combine", pair.id]))
    bears = min(section.most, len(pair.answer.split()) // section.words_each)
    if bears < section.least:
        reason = f"an answer of {len(pair.answer.split())} words bears {bears} constraints, {section.least} are asked for"
        return Refusal("combine", pair.id, pair.row, "too short", reason)
    wanted, asked = rng.randint(section.least, bears), f"{pair.said_before}\n{pair.prompt}"
    hard = mixture.order([c for c in constraints if is_hard(c) and not asked_already(asked, c)], rng)
    soft = mixture.order([c for c in constraints if not is_hard(c)], rng)
    taken = _taken(hard, round(wanted * section.hard_share), [])
    taken = _taken(soft, wanted - len(taken), taken)
    taken = _taken([c for c in hard if c not in taken], wanted - len(taken), taken)
    if len(taken) < section.least:
        reason = f"{len(taken)} of {len(constraints)} constraints go together, {section.least} are asked for"
        return Refusal("combine", pair.id, pair.row, "too few constraints", reason)
    rng.shuffle(taken)
    mixture.types.update(type_name(c) for c in taken)
    return row(pair, taken, rng.choice(TRAINED) if section.style == "mixed" else PLAIN)


def row(pair: SourcePair, constraints: Sequence[Constraint], style: str) -> Instruction:
    """The instruction: the question, and what is asked of the answer, in a style in which people write."""
    return Instruction(
        id=pair.id,
        prompt=prompt(style, pair.prompt.strip(), [c.text for c in constraints]),
        constraints=tuple(constraints),
        system=pair.system,
        meta={
            "source": pair.source,
            "licence": pair.licence,
            "families": [c.dimension if c.kind == "soft" else "" for c in constraints],
            **({"history": list(pair.history)} if pair.history else {}),
        },
    )


def asked_already(question: str, constraint: Constraint) -> bool:
    """Whether the question itself puts a number before what a rule counts: a second one beside it could contradict it."""
    if not isinstance(constraint, RuleConstraint) or constraint.rule not in UNITS:
        return False
    plain = [
        w
        for w in words(question)
        if w.isascii() and (w.isalpha() or (w.isdigit() and len(w) < LONGEST_NUMBER))
    ]
    return bool(counted(plain, UNITS[constraint.rule][1]))


def group(constraint: Constraint) -> str:
    """What a constraint speaks of; a checker's and a soft one's is its own text."""
    if not isinstance(constraint, RuleConstraint):
        return constraint.text
    for name, parts in GROUPS.items():
        if any(part in constraint.rule for part in parts):
            return name
    return constraint.rule


def _taken(options: Sequence[Constraint], count: int, beside: Sequence[Constraint]) -> list[Constraint]:
    taken = list(beside)
    for option in options:
        if len(taken) - len(beside) >= count:
            break
        if all(_together(option, other) for other in taken):
            taken.append(option)
    return taken


def _together(constraint: Constraint, other: Constraint) -> bool:
    if group(constraint) == group(other) or constraint.text == other.text:
        return False
    if isinstance(constraint, RuleConstraint) and isinstance(other, RuleConstraint):
        return not clash(constraint, other) and not clash(other, constraint)
    return True
