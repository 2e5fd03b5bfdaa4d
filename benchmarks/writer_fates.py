"""What came of every proposal of a build: read again from its ledger, its quarantine and its pairs. Nobody is asked.

A proposal survived where no step refused it. Where the pairs are the local world's, its truth says whether the answer
keeps what was proposed; a text that is no wording of the world is kept by nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from benchmarks.build_world import kept, wish_of
from verif.core.judge.client import JudgeClient
from verif.data.builder.calls import Caller
from verif.data.builder.ledger import Ledger
from verif.data.builder.pairs import SourcePair, read_pairs
from verif.data.builder.prompts import render
from verif.data.builder.reply import (
    KeptReply,
    Proposal,
    Proposals,
    Reply,
    UnreadableError,
    WrittenChecker,
    asked,
    read,
)  # fmt: skip
from verif.errors import JudgeError
from verif.recipe import BuildModel, BuildRecipe

FORMS: dict[str, type[Reply]] = {
    "soft": Proposals, "check": KeptReply, "write": WrittenChecker, "write again": WrittenChecker,
}  # fmt: skip
WORLD = "world"
"""The source that pairs of the local world name."""


async def fates(pairs_file: Path, home: Path, recipe: BuildRecipe) -> dict[str, Any]:
    """`replies` by step (how many, how many of the schema) and `proposals`: made, true, survived, survived and true."""
    pairs, _ = read_pairs(pairs_file, recipe.pairs)
    refused = [orjson.loads(line) for line in (home / "rows.quarantine.jsonl").read_bytes().splitlines()]
    apart = {entry["id"] for entry in refused if entry["step"] == "near"}
    counts = {"soft": Counter[str](), "code": Counter[str]()}
    with Ledger(home / "rows.calls.jsonl") as ledger:
        replies: dict[str, Counter[str]] = {}
        for call in ledger.calls.values():
            replies.setdefault(call.step, Counter()).update(
                replies=1, readable=int(_readable(call.text, call.step))
            )
        caller = Caller(ledger, _nobody)
        for pair in pairs:
            if pair.id in apart:
                continue
            own = [entry for entry in refused if entry["id"] == pair.id]
            gone = Counter(entry["text"] for entry in own)
            unchecked = any(entry["step"] == "soft" and not entry["text"] for entry in own)
            for proposal in await _proposals(pair, caller, recipe):
                named = gone[proposal.text] > 0
                gone[proposal.text] -= named
                survived = not named and (proposal.code or not unchecked)
                _count(counts["code" if proposal.code else "soft"], proposal, pair, survived=survived)
    return {"replies": replies, "proposals": counts}


def _count(counts: Counter[str], proposal: Proposal, pair: SourcePair, *, survived: bool) -> None:
    counts.update(made=1, survived=int(survived))
    if pair.source == WORLD:
        wish = wish_of(proposal.text)
        true = wish is not None and kept(*wish, pair.answer)
        counts.update(worded=int(wish is not None), true=int(true), survived_true=int(survived and true))


async def _proposals(pair: SourcePair, caller: Caller, recipe: BuildRecipe) -> tuple[Proposal, ...]:
    """What the first model proposed of a pair, by the ledger; nothing where no reply could be read."""
    assert recipe.first is not None
    texts = {"question": pair.question, "answer": pair.answer}
    messages = render("soft", texts, dimensions=recipe.soft.dimensions, most=recipe.soft.most)
    try:
        return tuple((await asked(caller, "soft", recipe.first, messages, Proposals)).constraints)
    except UnreadableError:
        return ()


def _readable(text: str, step: str) -> bool:
    try:
        read(text, FORMS[step])
    except ValueError:
        return False
    return True


def _nobody(model: BuildModel, _: Mapping[str, Any]) -> JudgeClient:
    raise JudgeError(f"the ledger holds no answer of {model.name}: its pair is left.")
