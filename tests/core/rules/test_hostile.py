"""No text makes a rule crash or hang: every rule is linear in the response."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.readers import params_of

from verif.core import rules
from verif.core.rules import Outcome
from verif.core.text import Doc

NAMES = [name for name in rules.rules() if not name.startswith("local:")]
LOCAL = [
    name for name in rules.rules() if name.startswith("local:") and not rules.get(name).params.model_fields
]
text = st.text(
    st.characters() | st.sampled_from(" \n\r\t*[]<>\"'.,!?`-#{}1aZ\u0301\u200f\ud800\x00"), max_size=80
)


@pytest.mark.slow
@given(text)
@settings(max_examples=60, deadline=None)
def test_any_text_gets_a_verdict_and_loose_never_refuses_what_strict_accepts(value: str) -> None:
    doc = Doc(value)
    for name in NAMES:
        spec, params = rules.get(name), params_of(name)
        strict = rules.check(spec, doc, params)
        assert isinstance(strict, Outcome)
        assert strict == rules.check(spec, Doc(value), params)
        if strict.ok:
            assert rules.check(spec, doc, params, loose=True).ok


N = 200_000
HOSTILE = {
    "newlines": "\n" * N + "x",
    "blanks before a bullet": (" " * 1000 + "\n") * (N // 1000) + "*",
    "open titles": "<" * N,
    "open brackets": "[" * N,
    "asterisks": "*" * N,
    "stars and blanks": "* " * N,
    "periods": ". " * N,
    "ellipses": "." * N,
    "dots before a letter": "." * N + "x",
    "closers": "a." + ")" * N,
    "blanks after a period": "a." + " " * N + "b",
    "one long word": "A" * N,
    "apostrophes": "'" * N,
    "dashes": "-" * N,
    "digits": "Section" + "1" * N,
    "mail": "a" * N + "@" + "b" * N,
    "combining marks": "e" + "\u0301" * N,
    "right to left": "שלום עולם " * (N // 10),
    "emoji": "👩‍👩‍👧 " * (N // 10),
    "a million words": "word " * 1_000_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("case", HOSTILE)
def test_time_is_linear_in_the_response(case: str) -> None:
    doc = Doc(HOSTILE[case])
    for name in NAMES + LOCAL:
        started = time.process_time()
        rules.check(rules.get(name), doc, params_of(name))
        assert time.process_time() - started < 5, name
