"""The library as others use it: what a call costs, whether all ways in agree, which files are read.

- `verify_ms`: processor time of one comma rule through `verify`
- `plumbing_ratio`: three rules through `Verifier.verify` in batches of 512, over the rules alone
- `answer_agree`: share of published responses, in every reasoning format, on which `verify`, `verif score`, the
  benchmarks and the service's verifier give the same verdicts
- `forms_read`: forms and kinds of file that are read, of all
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

from benchmarks.engine_ifeval import responses
from benchmarks.file_forms import CONTAINERS, FOLLOWED, FORMS, PAIRS, RESPONSES, RLVR_IFEVAL
from verif import Verifier, read_rows, verify
from verif.audit.pairs import load
from verif.core.answer import as_sent
from verif.core.rules import check, get, validate
from verif.core.score import score
from verif.core.text import Doc
from verif.errors import VerifError
from verif.evaluation.case import Case, Generation
from verif.evaluation.judging import blank, by_rules
from verif.types import Instruction, Item, Reasoning, Response, RuleConstraint

REPEATS, CALLS, BATCH = 7, 2000, 512
COMMA = RuleConstraint(text="No commas.", rule="punctuation:no_comma")
THREE = (
    COMMA,
    RuleConstraint(
        text="Words.",
        rule="length_constraints:number_words",
        params={"num_words": 100, "relation": "at least"},
    ),
    RuleConstraint(text="Words.", rule="keywords:existence", params={"keywords": ["harbour", "boat"]}),
)


def middle(measured: Callable[[], float]) -> float:
    return statistics.median(measured() for _ in range(REPEATS))


def verify_ms() -> float:
    """Milliseconds of a call."""

    def once() -> float:
        began = time.process_time()
        for _ in range(CALLS):
            verify("Describe the harbour.", "Boats, gulls and nets.", [COMMA])
        return (time.process_time() - began) / CALLS * 1000

    return middle(once)


def plumbing_ratio() -> float:
    """Time of a batch through the verifier over that of its rules."""
    texts = [row.response or "" for row in responses()][:BATCH]
    asked = Instruction(id="1", prompt="Describe the harbour.", constraints=THREE)
    items = [Item(id=str(n), instruction=asked, response=Response(text=text)) for n, text in enumerate(texts)]
    specs = [(get(c.rule), validate(c.rule, c.params)) for c in THREE]
    verifier = Verifier()

    def rules_alone() -> float:
        began = time.process_time()
        for text in texts:
            doc = Doc(text)
            for spec, params in specs:
                check(spec, doc, params)
        return time.process_time() - began

    async def batch() -> float:
        began = time.process_time()
        count = sum([1 async for _ in verifier.verify(items)])
        assert count == len(items)
        return time.process_time() - began

    async def both() -> float:
        await batch()
        return statistics.median([(await batch()) / rules_alone() for _ in range(REPEATS)])

    return asyncio.run(both())


def answer_agree() -> float:
    """Over all published responses, in every format that a policy may reason in."""
    rows = responses()
    agreed = total = 0
    for reasoning in get_args(Reasoning):
        agreed += _agreed(rows, reasoning)
        total += len(rows)
    return agreed / total


def _agreed(rows: list[Any], reasoning: Reasoning) -> int:
    from dataclasses import replace

    sent = [replace(row, response=as_sent(row.response or "", reasoning).text) for row in rows]
    items = [
        Item(id=str(n), instruction=row.instruction, response=Response(text=row.response or ""))
        for n, row in enumerate(sent)
    ]
    scored = [
        [v.status.value for v in scored_row.verdicts] for scored_row in score(sent, reasoning=reasoning)
    ]

    async def asked() -> dict[str, list[str]]:
        verified = Verifier(reasoning=reasoning).verify(items, complete=True)
        return {
            verification.id: [v.status.value for v in verification.verdicts]
            async for verification in verified
        }

    served = asyncio.run(asked())
    same = 0
    for item, by_score in zip(items, scored, strict=True):
        case, answer = Case(item.instruction), Generation(item.response.text)
        kept = by_rules(blank("b", "m", "t1", case, answer), case, answer, reasoning=reasoning)
        bench = [str(row.status) for row in kept if row.variant == "strict"]
        called = [
            v.status.value for v in verify(item.instruction, item.response, reasoning=reasoning).verdicts
        ]
        same += by_score == served[item.id] == bench == called
    return same


def forms_read() -> str:
    """How many forms and kinds of file give the verdicts that they must, of all."""
    right = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for name, form in FORMS.items():
            file = path / f"{name}.jsonl".replace("/", "-")
            file.write_text("".join(json.dumps(form(said)) + "\n" for said in RESPONSES), "utf-8")
            right.append((name, _followed(file) == FOLLOWED))
        for kind, write in CONTAINERS.items():
            write(path / kind, [FORMS["IFEval"](said) for said in RESPONSES])
            right.append((kind, _followed(path / kind) == FOLLOWED))
        for name, pair in PAIRS.items():
            (path / "pairs.jsonl").write_text(json.dumps(pair) + "\n", "utf-8")
            right.append((name, load(path / "pairs.jsonl")[0].chosen.text == RESPONSES[0]))
        (path / "rlvr.jsonl").write_text(json.dumps(RLVR_IFEVAL | {"response": "a, b"}) + "\n", "utf-8")
        right.append(("RLVR-IFeval", _followed(path / "rlvr.jsonl") == (False,)))
    missing = [name for name, ok in right if not ok]
    if missing:
        print(f"front: not read: {', '.join(missing)}")
    return f"{len(right) - len(missing)}/{len(right)}"


def _followed(path: Path) -> tuple[bool | None, ...]:
    with suppress(VerifError):
        return tuple(scored.followed for scored in score(read_rows(path)))
    return ()


def measure() -> dict[str, object]:
    figures: dict[str, object] = {
        "verify_ms": verify_ms(),
        "plumbing_ratio": plumbing_ratio(),
        "answer_agree": answer_agree(),
        "forms_read": forms_read(),
    }
    for name, value in figures.items():
        print(f"front: {name} {value}")
    return figures


if __name__ == "__main__":
    print(json.dumps(measure()))
