"""The replaced idioms give the same result on every text: compared inside the sandbox's own engine."""

import json

import pydantic_monty as monty
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verif.core.sandbox.faster import HELPERS
from verif.core.sandbox.program import read

TEXTS = st.lists(
    st.text(alphabet=st.sampled_from("aAbfFiIrReEsSkKſKİı_é0 .!?:,\n\t\x00\u00a0-"), max_size=60)
    | st.text(max_size=30).filter(lambda t: t.isprintable()),
    min_size=1, max_size=20,
)  # fmt: skip

COMPARE = """
words = ['fire', 'fire fire', 'Fire', 'kiss', 'is', 'a', r'a\\-b', r'e\\.', 'é', 'fi re']
patterns = [r'\\b' + w + r'\\b' for w in words] + words + [r'\\b' + w for w in words] + [r'(fire)', r'f.re', r'\\bfire\\b\\b']
def found(match):
    return None if match is None else [match.start(), match.end()]
bad = []
for t in texts:
    if re.findall(r'\\b\\w+\\b', t) != re.findall(r'\\w+', t) or re.findall(r'\\b\\w+', t) != re.findall(r'\\w+', t):
        bad.append(['findall', t])
    for flags in [0, re.IGNORECASE, re.ASCII]:
        if re.findall(r'\\b\\w+\\b', t, flags) != _verif_findall(r'\\b\\w+\\b', t, flags):
            bad.append(['findall', flags, t])
    for _ in range(2):
        if len(t.split()) != _verif_count(t):
            bad.append(['count', t])
    for p in [r'\\n\\s*\\n', r'\\n+', r'[.!?]', r'(a)|b']:
        if re.split(p, t) != _verif_split_at(p, t):
            bad.append(['split at', p, t])
    for chars in ['[.!?]', '[.]', '[.!?:]']:
        p = '(?<=' + chars + r')\\s+'
        if re.split(p, t) != _verif_split(p, '(' + chars + ')', t):
            bad.append(['split', chars, t])
    for p in patterns:
        for flags in [0, re.IGNORECASE, re.MULTILINE, re.IGNORECASE | re.DOTALL]:
            if found(re.search(p, t, flags)) != found(_verif_search(p, t, flags)):
                bad.append(['search', p, t])
bad
"""


@pytest.fixture(scope="module")
def pool() -> object:
    with monty.Monty(max_processes=1) as pool:
        yield pool


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_same_result_on_every_text(pool: monty.Monty, texts: list[str]) -> None:
    with pool.checkout() as session:
        assert session.feed_run(HELPERS + COMPARE, inputs={"texts": texts}) == []


def test_the_comparison_can_fail(pool: monty.Monty) -> None:
    broken = HELPERS.replace("'\\\\1\\x00'", "'\\x00'")
    assert broken != HELPERS
    with pool.checkout() as session:
        assert session.feed_run(broken + COMPARE, inputs={"texts": ["One. Two."]}) != []


def wrap(body: str, before: str = "import re") -> str:
    return f"{before}\ndef check_following(instruction, response):\n    {body}\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r"return len(re.findall(r'\b\w+\b', response)) > 3", r"_verif_findall(r'\b\w+\b', response)"),
        (r"return any(re.finditer(r'\b\w+', response))", r"re.finditer(r'\w+', response)"),
        (r"return bool(re.split(r'(?<=[\w])\s+', response))", "_verif_split_at(r'"),
        (r"return len(re.split(r'\n\s*\n', response)) > 3", "_verif_split_at(r'"),
        ("return 3 < len(response.split()) < 5", "3 < _verif_count(response) < 5"),
        (
            r"return len(re.split(r'(?<=[.!?])\s+', response.strip())) > 3",
            "_verif_split(r'(?<=[.!?])\\s+', '([.!?])', response",
        ),
        (r"return bool(re.search(r'\bü\b', response, re.IGNORECASE))", r"_verif_search(r'\bü\b', response"),
        (r"x = 'é'; return x in response and bool(re.search('a', response))", "_verif_search('a', response)"),
    ],
)
def test_idioms_are_replaced(body: str, expected: str) -> None:
    assert expected in read(wrap(body)).shared


@pytest.mark.parametrize(
    "source",
    [
        wrap("return bool(re.search('a', response))", "import regex as re"),
        wrap("re = response\n    return bool(re.search('a', 'b'))"),
        wrap("return bool(re.search(*[1, 2]))"),
        wrap(r"return bool(re.split(r'(?<=[.!?])\s+', response, maxsplit=1))"),
        wrap(r"return bool(re.findall(r'\b\w{3}\b', response))"),
        wrap("return bool(re.search('a', response, flags=re.I, pos=3))"),
        wrap("return len(response.split(' ')) > len(response.strip().split())"),
        wrap("len = max\n    return bool(len(response.split()))"),
        wrap("return bool(re.split(r'\\n', response, 1))"),
    ],
)
def test_what_is_not_the_idiom_stays(source: str) -> None:
    assert "_verif_" not in read(source).shared.replace("_verif_make", "")
    assert r"\w+'" not in json.dumps(read(source).shared)
