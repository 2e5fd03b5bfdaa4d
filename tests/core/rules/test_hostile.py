"""No text makes a rule crash or hang: every rule is linear in the response."""

from __future__ import annotations

import time
from collections.abc import Callable

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


N = 12_500
HOSTILE: dict[str, Callable[[int], str]] = {
    "newlines": lambda n: "\n" * n + "x",
    "blanks before a bullet": lambda n: (" " * 1000 + "\n") * (n // 1000) + "*",
    "open titles": lambda n: "<" * n,
    "open brackets": lambda n: "[" * n,
    "asterisks": lambda n: "*" * n,
    "stars and blanks": lambda n: "* " * n,
    "periods": lambda n: ". " * n,
    "ellipses": lambda n: "." * n,
    "dots before a letter": lambda n: "." * n + "x",
    "closers": lambda n: "a." + ")" * n,
    "blanks after a period": lambda n: "a." + " " * n + "b",
    "one long word": lambda n: "A" * n,
    "apostrophes": lambda n: "'" * n,
    "dashes": lambda n: "-" * n,
    "digits": lambda n: "Section" + "1" * n,
    "mail": lambda n: "a" * n + "@" + "b" * n,
    "combining marks": lambda n: "e" + "\u0301" * n,
    "right to left": lambda n: "שלום עולם " * (n // 10),
    "emoji": lambda n: "👩‍👩‍👧 " * (n // 10),
    "words": lambda n: "word " * (2 * n),
}


def seconds(text: str) -> dict[str, float]:
    """Processor time of each rule on a text; what rules share of its reading is the first one's."""
    doc, spent = Doc(text), {}
    for name in NAMES + LOCAL:
        started = time.process_time()
        rules.check(rules.get(name), doc, params_of(name))
        spent[name] = time.process_time() - started
    return spent


@pytest.mark.slow
@pytest.mark.parametrize("case", HOSTILE)
def test_time_is_linear_in_the_response(case: str) -> None:
    """Four times the text takes about four times as long on any machine; what is quadratic takes sixteen."""
    short, long = seconds(HOSTILE[case](N)), seconds(HOSTILE[case](4 * N))
    for name, spent in long.items():
        assert spent < 10 * short[name] + 0.5, name
