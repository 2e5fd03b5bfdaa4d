"""Pairs of a question and its answer, of any form that verif reads; what cannot be built on is refused by row.

Also read: Alpaca's `{instruction, input, output}`, and DPO-like rows by their `chosen` text. A pair keeps its licence
and source: what is built of it belongs to somebody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verif.core import language
from verif.core.row_files import raw_rows
from verif.core.rows import Where, parts
from verif.data.builder.quarantine import Refusal
from verif.data.verinstruct import tokens
from verif.errors import InputError
from verif.recipe import PairsSection
from verif.system.files import digest

LICENCES = ("licence", "license")
SHORTEST = 20
"""Words from which a text's language is told; shorter ones are taken for what is wanted."""
READ = 4_000
"""Characters that the language is told by."""


@dataclass(frozen=True, slots=True)
class SourcePair:
    """A question, its answer, and where both are from. `id` is the digest of the content, so that order does not matter.

    `history` holds the turns before the question, as chat messages; what is built binds the answer to the last one.
    """

    id: str
    row: int
    prompt: str
    answer: str
    system: str = ""
    licence: str = ""
    source: str = ""
    history: tuple[dict[str, str], ...] = ()

    @property
    def question(self) -> str:
        """What was asked, as a model is shown it: with the system message and the turns before, where there are any."""
        before = [{"role": "system", "content": self.system}] if self.system else []
        turns = [f"{turn['role'].capitalize()}:\n{turn['content']}" for turn in (*before, *self.history)]
        return "\n\n".join([*turns, f"User:\n{self.prompt}"]) if turns else self.prompt

    @property
    def said_before(self) -> str:
        """What the system and the user said before the question: it may ask for something already."""
        users = [turn["content"] for turn in self.history if turn["role"] == "user"]
        return "\n".join([self.system, *users]).strip()


def read_pairs(path: Path | str, section: PairsSection) -> tuple[list[SourcePair], list[Refusal]]:
    """The usable pairs of a file, in its order, and the refused ones; a file without any is an `InputError`."""
    pairs: list[SourcePair] = []
    refused: list[Refusal] = []
    seen: set[str] = set()
    for where, raw in raw_rows(path):
        try:
            pair, kind, reason = _pair(raw, where, section)
        except InputError as error:
            refused.append(Refusal("pairs", "", where.row, "unreadable", str(error)))
            continue
        if not kind and pair.id in seen:
            kind, reason = "repeated", "the same question and answer stand in an earlier row"
        if kind:
            refused.append(Refusal("pairs", pair.id, pair.row, kind, reason))
        else:
            seen.add(pair.id)
            pairs.append(pair)
    if not pairs:
        why = f"{refused[0].reason} (row {refused[0].row})" if refused else "the file is empty"
        hint = "Each row needs a prompt and a response." if not refused else _hint(refused)
        raise InputError(f"holds no pair that can be used: {why}", file=path, hint=hint)
    return pairs, refused


def _hint(refused: Iterable[Refusal]) -> str:
    kinds = {refusal.kind for refusal in refused}
    if "no licence" in kinds:
        return "Give --licence, or `pairs.licence` in the build recipe, for pairs that name none."
    return "Each row needs a prompt and a response; docs/build.md says which pairs are taken."


def _pair(raw: Any, where: Where, section: PairsSection) -> tuple[SourcePair, str, str]:
    """A pair with the kind and the reason of its refusal, both empty where it is taken."""
    if not isinstance(raw, dict):
        raise where.wanted("a JSON object", raw, "")
    parsed = parts(_plain(raw), where)
    if len(parsed) > 1:
        raise where.error(f"has {len(parsed)} turns where one question is read", "prompt")
    talk, said = parsed[0].asked, parsed[0].with_reply().responses or ()
    answer = said[0].text if said else ""
    licence = next((str(raw[name]) for name in LICENCES if isinstance(raw.get(name), str)), section.licence)
    source = raw["source"] if isinstance(raw.get("source"), str) else ""
    before = [list(talk.history)] if talk.history else []
    pair = SourcePair(
        digest([talk.system, talk.prompt, answer, *before])[:16], where.row, talk.prompt, answer, talk.system,
        licence.strip(), source, talk.history,
    )  # fmt: skip
    finished = raw.get("finished") is not False and (not said or said[0].finished)
    return pair, *_unusable(pair, finished=finished, section=section)


def _plain(raw: dict[str, Any]) -> dict[str, Any]:
    """Alpaca's and DPO's fields under the names that all forms share."""
    if isinstance(raw.get("instruction"), str) and "prompt" not in raw and "output" in raw:
        more = raw.get("input")
        asked = (
            f"{raw['instruction']}\n\n{more}"
            if isinstance(more, str) and more.strip()
            else raw["instruction"]
        )
        return {"prompt": asked, "response": raw["output"]}
    if isinstance(raw.get("chosen"), str) and "response" not in raw:
        return {"prompt": raw.get("prompt"), "response": raw["chosen"]}
    return raw


def _unusable(pair: SourcePair, *, finished: bool, section: PairsSection) -> tuple[str, str]:
    if not pair.prompt.strip() or not pair.answer.strip():
        return "empty", f"the {'answer' if pair.prompt.strip() else 'question'} is empty"
    if not finished:
        return "unfinished", "the answer was cut off"
    if not pair.licence:
        return "no licence", "neither the row nor the build recipe names a licence"
    for name, text, most in (
        ("question", pair.question, section.max_prompt_tokens),
        ("answer", pair.answer, section.max_answer_tokens),
    ):
        if (size := tokens(text)) > most:
            return "too long", f"the {name} may exceed {most} tokens ({size} estimated)"
    if section.languages and len(pair.answer.split()) >= SHORTEST:
        spoken = language.detect(pair.answer[:READ])
        if spoken is not None and spoken not in section.languages:
            return (
                "other language",
                f"the answer is in {spoken!r}, and {', '.join(section.languages)} are wanted",
            )
    return "", ""
