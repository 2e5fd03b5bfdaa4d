"""The replaced idioms give Python's result on every text: the helpers, in the sandbox's own engine, against `re` here."""

import re

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

WORDS = ["fire", "Fire fire", "kiss", r"a\-b", "é", "i"]
PATTERNS = (
    [rf"\b{w}\b" for w in WORDS] + WORDS + [rf"\b{w}" for w in WORDS] + ["(fire)", "f.re", r"\bfire\b\b"]
)
FLAGS = [0, 2, 256]
SPLITS = [r"\n\s*\n", r"\n+", r"[.!?]", "(a)|b"]

ANSWERS = """
def _found(match):
    return None if match is None else [match.start(), match.end()]
out = []
for t in texts:
    for _ in range(2):
        out.append(['count', t, _verif_count(t)])
    for f in flags:
        out.append(['words', t, _verif_find_words('', t, f)])
    for p in splits:
        out.append(['split', t, _verif_split(p, t)])
    for chars in ['[.!?]', '[.]', '[.!?:]']:
        out.append(['after', t, _verif_split_after('(?<=' + chars + r')\\s+', '(' + chars + ')', t)])
    for p in patterns:
        for f in flags:
            out.append(['search', t, _found(_verif_search(p, t, f))])
out
"""


def python_answers(texts: list[str]) -> list[list[object]]:
    out: list[list[object]] = []
    for t in texts:
        out += [["count", t, len(t.split())]] * 2
        out += [["words", t, re.findall(r"\b\w+\b", t, f)] for f in FLAGS]
        out += [["split", t, re.split(p, t)] for p in SPLITS]
        out += [["after", t, re.split(rf"(?<={chars})\s+", t)] for chars in ("[.!?]", "[.]", "[.!?:]")]
        for p in PATTERNS:
            for f in FLAGS:
                match = re.search(p, t, f)
                out.append(["search", t, None if match is None else list(match.span())])
    return out


def engine_answers(pool: monty.Monty, texts: list[str], helpers: str = HELPERS) -> object:
    with pool.checkout() as session:
        inputs = {"texts": texts, "flags": FLAGS, "splits": SPLITS, "patterns": PATTERNS}
        return session.feed_run(helpers + ANSWERS, inputs=inputs)


@pytest.fixture(scope="module")
def pool() -> object:
    with monty.Monty(max_processes=1) as pool:
        yield pool


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_same_result_on_every_text(pool: monty.Monty, texts: list[str]) -> None:
    assert engine_answers(pool, texts) == python_answers(texts)


@pytest.mark.parametrize("text", ["a\x1cb", "\x1f", "One.\x1dTwo", "fıre", "x²\u0301", "fire\n"])
def test_characters_that_the_engine_takes_otherwise(pool: monty.Monty, text: str) -> None:
    assert engine_answers(pool, [text]) == python_answers([text])


def test_the_comparison_can_fail(pool: monty.Monty) -> None:
    broken = HELPERS.replace("'\\\\1\\x00'", "'\\x00'")
    assert broken != HELPERS
    assert engine_answers(pool, ["One. Two."], broken) != python_answers(["One. Two."])


def wrap(body: str, before: str = "import re") -> str:
    return f"{before}\ndef check_following(instruction, response):\n    {body}\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r"return len(re.findall(r'\b\w+\b', response)) > 3", r"_verif_find_words(r'\b\w+\b', response)"),
        (r"return len(list(re.finditer(r'\b\w+', response))) > 1", r"_verif_finditer(r'\b\w+', response)"),
        (r"return bool(re.split(r'(?<=[\w])\s+', response))", "_verif_split(r'"),
        (r"return len(re.split(r'\n\s*\n', response)) > 3", "_verif_split(r'"),
        ("return 3 < len(response.split()) < 5", "3 < _verif_count(response) < 5"),
        (
            r"return len(re.split(r'(?<=[.!?])\s+', response.strip())) > 3",
            "_verif_split_after(r'(?<=[.!?])\\s+', '([.!?])', response",
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
        wrap("return len(response.split(' ')) > len(response.strip().split())"),
        wrap("len = max\n    return bool(len(response.split()))"),
    ],
)
def test_what_is_not_the_idiom_stays(source: str) -> None:
    assert "_verif_" not in read(source).shared.replace("_verif_make", "")


@pytest.mark.parametrize(
    "source",
    [
        wrap(r"return bool(re.split(r'(?<=[.!?])\s+', response, maxsplit=1))"),
        wrap(r"return bool(re.findall(r'\b\w{3}\b', response))"),
        wrap("return bool(re.split(r'\\n', response, 1))"),
    ],
)
def test_other_calls_get_the_plain_helper(source: str) -> None:
    shared = read(source).shared
    assert "_verif_split(" in shared or "_verif_findall(" in shared


def test_the_name_of_the_module_is_read_where_it_may_be_missing() -> None:
    late = (
        "def check_following(instruction, response):\n    return bool(re.search('a', response))\nimport re\n"
    )
    assert "(re and _verif_search)('a', response)" in read(late).shared
