"""Find constraints that must not teach: checkers are run on probes and compared with their text, rules with the prompt.

A finding is a fact with its evidence, never a guess: where the text of a constraint is not understood
beyond doubt (`verif.data.screening.claims`), only what needs no understanding is reported (does not run, always
true, vacuous). Differences near the edge of a claim ("under 35 words" decided as at most 35) are not
reported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from verif.core.sandbox.sandbox import Sandbox
from verif.data.screening import probes
from verif.data.screening.claims import Claim, NamedKeywords, Without, WordCount, WordLetters, read, unprobed
from verif.data.screening.rule_rows import screened
from verif.types import CheckerConstraint, Instruction, Status

Kind = Literal[
    "does not run", "unsatisfiable", "always true", "counts characters", "exact for around", "contradicts its text",
    "contradicts its sibling", "repeats its sibling", "vacuous on empty", "not probed",
]  # fmt: skip
KINDS: tuple[Kind, ...] = (
    "does not run", "unsatisfiable", "always true", "counts characters", "exact for around", "contradicts its text",
    "contradicts its sibling", "repeats its sibling", "vacuous on empty", "not probed",
)  # fmt: skip
#: Kinds that need no dropping: an empty response is unscorable in verif, whatever the checker says of it; and of a
#: claim that is too large for probes nothing is known.
NOTES = frozenset({"vacuous on empty", "not probed"})
_SHOWN = 160
#: A shortest word of this many letters rules out the commonest words of every sentence (a, the, of, to, and, that).
IMPOSSIBLE_LETTERS = 5


@dataclass(frozen=True)
class Finding:
    """A defect of constraint `index` of row `row` (1-based), in one sentence and with what was observed."""

    id: str
    row: int
    index: int
    kind: Kind
    detail: str
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def defect(self) -> bool:
        """False for what is only worth knowing."""
        return self.kind not in NOTES


def screen(rows: Iterable[tuple[int, Instruction]], sandbox: Sandbox) -> list[Finding]:
    """Findings of all rows, in order; rows are (number, instruction)."""
    findings: list[Finding] = []
    for number, instruction in rows:
        claims: dict[int, Claim] = {}
        for index, constraint in enumerate(instruction.constraints):
            if not isinstance(constraint, CheckerConstraint):
                continue
            claim = read(constraint.text)
            if claim is not None:
                claims[index] = claim
            for kind, detail, evidence in check_one(instruction.prompt, constraint, claim, sandbox):
                findings.append(Finding(instruction.id, number, index, kind, detail, evidence))
            if why := unprobed(constraint.text):
                findings.append(Finding(instruction.id, number, index, "not probed", why))
        for index, other, why in siblings(claims):
            evidence = {"sibling": other, "sibling_text": instruction.constraints[other].text}
            findings.append(Finding(instruction.id, number, index, "contradicts its sibling", why, evidence))
        for index, kind, why, evidence in screened(instruction):
            findings.append(Finding(instruction.id, number, index, kind, why, evidence))
    return findings


Found = tuple[Kind, str, dict[str, Any]]


def check_one(
    prompt: str, constraint: CheckerConstraint, claim: Claim | None, sandbox: Sandbox
) -> list[Found]:
    """Findings about one checker, the most specific first; at most one of them is a defect."""
    good, bad = (claim.good(), claim.bad()) if claim else ([], [])
    telling = claim.telling() if claim else ()
    texts = ["", *probes.ORDINARY, *telling, *good, *bad]
    answers = [row[0] for row in sandbox.check_group(prompt, [constraint.source], texts)]
    broken = [(text, r.reason) for text, r in zip(texts, answers, strict=True) if r.status is Status.ERROR]
    if broken:
        text, reason = broken[0]
        share = f"{len(broken)} of {len(texts)} probes"
        return [("does not run", f"raises on {share}: {reason}", {"probe": text[:_SHOWN], "error": reason})]
    says = [answer.status is Status.PASS for answer in answers]
    defect = _constant(constraint.source, says)
    if defect is None and claim is not None:
        defect = _compare(claim, _Said(texts, says, len(probes.ORDINARY), len(telling), len(good)))
    out = [defect] if defect is not None else []
    if says[0] and (defect is None or defect[0] != "always true"):
        out.append(("vacuous on empty", "passes on the empty response", {"probe": ""}))
    return out


@dataclass(frozen=True)
class _Said:
    """What a checker said to the empty text, ordinary texts, telling ones, good ones and bad ones, in this order."""

    texts: list[str]
    says: list[bool]
    n_ordinary: int
    n_telling: int
    n_good: int

    def part(self, start: int, stop: int | None) -> list[tuple[str, bool]]:
        return list(zip(self.texts[start:stop], self.says[start:stop], strict=True))

    @property
    def ordinary(self) -> list[tuple[str, bool]]:
        return self.part(1, 1 + self.n_ordinary)

    @property
    def telling(self) -> list[bool]:
        return [said for _, said in self.part(1 + self.n_ordinary, 1 + self.n_ordinary + self.n_telling)]

    @property
    def good(self) -> list[tuple[str, bool]]:
        start = 1 + self.n_ordinary + self.n_telling
        return self.part(start, start + self.n_good)

    @property
    def bad(self) -> list[tuple[str, bool]]:
        return self.part(1 + self.n_ordinary + self.n_telling + self.n_good, None)


def _constant(source: str, says: Sequence[bool]) -> Found | None:
    """A checker that never looks at the response."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (
        SyntaxError,
        ValueError,
        RecursionError,
        MemoryError,
    ):  # what runs may still be too deep for a parser
        return None
    functions = [n for n in nodes if isinstance(n, ast.FunctionDef) and n.name == "check_following"]
    if len(functions) != 1 or len(functions[0].args.args) < 2 or functions[0].args.vararg:
        return None
    seen = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    if seen & {functions[0].args.args[1].arg, "locals", "vars", "eval", "exec", "dir"} or len(set(says)) > 1:
        return None
    kind: Kind = "always true" if says[0] else "unsatisfiable"
    return (
        kind,
        f"never reads the response: {'passes' if says[0] else 'fails'} every probe",
        {"probes": len(says)},
    )


def _compare(claim: Claim, said: _Said) -> Found | None:
    """What the checker says of texts that clearly keep or break its claim."""
    if isinstance(claim, WordLetters):
        return _letters(claim, said)
    wrong = [
        {"probe": text[:_SHOWN], "keeps the text": True, "checker": "fail"}
        for text, ok in said.good
        if not ok
    ]
    wrong += [
        {"probe": text[:_SHOWN], "keeps the text": False, "checker": "pass"} for text, ok in said.bad if ok
    ]
    evidence = {"wrong": wrong, "probes": len(said.good) + len(said.bad)}
    if said.bad and all(said.says[1:]):
        return (
            "always true",
            f"passes all {len(said.says) - 1} probes, {len(said.bad)} of which break its text",
            evidence,
        )
    if (
        isinstance(claim, WordCount)
        and claim.around
        and said.telling == [False, False]
        and all(ok for _, ok in said.good)
    ):
        detail = f"the text says around {claim.around} words, the checker demands exactly {claim.around}"
        return (
            "exact for around",
            detail,
            {"passes": claim.around, "fails": [claim.around - 1, claim.around + 1]},
        )
    if wrong and said.telling == [True, False] and not (isinstance(claim, WordCount) and claim.around):
        detail = (
            f"the text counts {claim.unit}, the checker characters: one more character turned its verdict"
        )
        return "counts characters", detail, evidence
    if wrong:
        return "contradicts its text", f"wrong on {len(wrong)} of {evidence['probes']} clear probes", evidence
    return None


def _letters(claim: WordLetters, said: _Said) -> Found | None:
    if claim.least < IMPOSSIBLE_LETTERS:
        return None
    passed = [text[:_SHOWN] for text, ok in said.bad if ok]
    failed = [text[:_SHOWN] for text, ok in said.good if not ok]
    evidence = {"least": claim.least, "probes": len(said.bad), "passed": len(passed)}
    if passed or failed:  # whatever this checker decides, it is not the length of words
        return (
            "contradicts its text",
            "does not decide the length of every word",
            evidence | {"wrong": passed + failed},
        )
    detail = f"demands at least {claim.least} letters of every word: no ordinary sentence can keep that"
    return "unsatisfiable", detail, evidence


def siblings(claims: dict[int, Claim]) -> list[tuple[int, int, str]]:
    """Pairs of constraints of one row that no response can keep together: (index, other index, why)."""
    out = []
    for index, claim in claims.items():
        for other, second in claims.items():
            why = _clash(claim, second) if index != other else ""
            if why and not (index > other and _clash(second, claim)):
                out.append((index, other, why))
    return out


def _clash(claim: Claim, other: Claim) -> str:
    """Why `claim` cannot be kept beside `other`; "" if it can, or if that is not certain."""
    if isinstance(claim, WordCount) and isinstance(other, WordCount) and claim.low > other.high:
        return f"at least {claim.low} words here, at most {other.high} there"
    if not isinstance(other, NamedKeywords):
        return ""
    if isinstance(claim, WordCount) and claim.high < max(len(phrase.split()) for phrase in other.wanted):
        return f"at most {claim.high} words cannot hold the demanded phrases"
    if isinstance(claim, Without):
        hit = [phrase for phrase in other.wanted if claim.mark in phrase]
        return f"the demanded {hit[0]!r} holds a {claim.mark!r}" if hit else ""
    if isinstance(claim, WordLetters):
        short = [word for phrase in other.wanted for word in phrase.split() if len(word) < claim.least]
        return f"the demanded word {short[0]!r} has fewer than {claim.least} letters" if short else ""
    return ""
