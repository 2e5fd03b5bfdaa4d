"""Pairs of any form are read with their licence; what cannot be built on is refused by row and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verif.data.builder.pairs import read_pairs
from verif.errors import InputError
from verif.recipe import PairsSection

ANSWER = (
    "The boats come in at dusk, and the gulls follow them over the old grey wall until the light has gone."
)
TAKEN = PairsSection(licence="MIT")


def written(tmp_path: Path, *rows: Any) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


@pytest.mark.parametrize(
    "raw",
    [
        {"prompt": "Describe it.", "response": ANSWER},
        {"instruction": "Describe it.", "input": "", "output": ANSWER},
        {"messages": [{"role": "user", "content": "Describe it."}, {"role": "assistant", "content": ANSWER}]},
        {"conversations": [{"from": "human", "value": "Describe it."}, {"from": "gpt", "value": ANSWER}]},
        {"prompt": "Describe it.", "chosen": ANSWER, "rejected": "No."},
    ],
)
def test_every_common_form_of_a_pair_is_read(tmp_path: Path, raw: dict[str, Any]) -> None:
    pairs, refused = read_pairs(written(tmp_path, raw), TAKEN)
    assert (pairs[0].prompt, pairs[0].answer, pairs[0].licence, refused) == (
        "Describe it.",
        ANSWER,
        "MIT",
        [],
    )


def test_licence_source_and_system_message_stay_with_a_pair(tmp_path: Path) -> None:
    talk = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Describe it."}]
    raw = {"messages": talk, "response": ANSWER, "license": "CC-BY-4.0", "source": "harbour"}
    pair = read_pairs(written(tmp_path, raw), TAKEN)[0][0]
    assert (pair.licence, pair.source, pair.system) == ("CC-BY-4.0", "harbour", "Be brief.")


def test_a_conversation_keeps_its_turns_and_is_another_pair_than_its_last_question(tmp_path: Path) -> None:
    alone, talk = read_pairs(
        written(
            tmp_path,
            {"prompt": TURNS[-1]["content"], "response": ANSWER},
            {"messages": [{"role": "system", "content": "Be brief."}, *TURNS], "response": ANSWER},
        ),
        TAKEN,
    )[0]
    assert (talk.prompt, talk.system) == (alone.prompt, "Be brief.")
    assert list(talk.history) == TURNS[:-1]
    assert talk.id != alone.id
    assert alone.question == alone.prompt, "a question by itself is shown to models as it is"
    shown = [talk.question.index(text) for text in ("Be brief.", *(turn["content"] for turn in TURNS))]
    assert shown == sorted(shown), "a model reads all of it, in order"


def test_a_conversation_is_as_long_as_all_of_it(tmp_path: Path) -> None:
    long = [{"role": "user", "content": "word " * 900}, {"role": "assistant", "content": "Yes."}, TURNS[-1]]
    rows = [{"messages": long, "response": ANSWER}, {"prompt": "Describe it.", "response": ANSWER}]
    assert read_pairs(written(tmp_path, *rows), TAKEN)[1][0].kind == "too long"


GERMAN = (
    "Am Abend kommen die Boote zurück in den Hafen, und die Möwen folgen ihnen über die alte Mauer, bis das Licht"
    " ganz verschwunden ist und niemand mehr etwas sieht."
)
TURNS = [
    {"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": "Describe it."},
]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"prompt": "Say it.", "response": "  "}, "empty"),
        ({"prompt": "", "response": ANSWER}, "empty"),
        ({"prompt": "Say it.", "response": GERMAN}, "other language"),
        ({"prompt": "Say it. " * 2000, "response": ANSWER}, "too long"),
        ({"prompt": "Say it.", "response": ANSWER * 400}, "too long"),
        ({"prompt": "Say it.", "response": ANSWER, "finished": False}, "unfinished"),
        ({"prompt": 7, "response": ANSWER}, "unreadable"),
        (["no", "object"], "unreadable"),
        ({"prompt": "Describe it.", "response": ANSWER}, "repeated"),
    ],
)
def test_what_cannot_be_built_on_is_refused_by_its_row(tmp_path: Path, raw: Any, kind: str) -> None:
    good = {"prompt": "Describe it.", "response": ANSWER}
    pairs, refused = read_pairs(written(tmp_path, good, raw), TAKEN)
    assert (len(pairs), [(r.row, r.kind) for r in refused]) == (1, [(2, kind)])


def test_pairs_without_any_licence_are_an_error_that_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pairs\.jsonl: holds no pair .*licence.*row 1.*--licence"):
        read_pairs(written(tmp_path, {"prompt": "Say it.", "response": ANSWER}), PairsSection())


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="empty"):
        read_pairs(written(tmp_path), TAKEN)


@settings(max_examples=25)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["prompt", "response", "messages", "role", "content", "instruction", "output", "license"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_row_whatsoever_ends_the_reading(tmp_path_factory: pytest.TempPathFactory, raw: Any) -> None:
    good = {"prompt": "Describe it.", "response": ANSWER}
    pairs, refused = read_pairs(written(tmp_path_factory.mktemp("any"), good, raw), TAKEN)
    assert len(pairs) + len(refused) == 2
