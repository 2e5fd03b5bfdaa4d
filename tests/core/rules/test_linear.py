"""Expressions that were replaced by linear ones decide as before, on every short text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verif.audit.attacks.signature import SIGNS
from verif.audit.mutations.counted import _MARK
from verif.core import rules
from verif.core.judge.client import JudgeAnswer
from verif.core.judge.judge import confidence
from verif.core.text import Doc
from verif.data.world.oracle import _untitled
from verif.evaluation.benchmarks.references import in_form

OLD_ROLE = re.compile(
    r"<\s*[|｜]|[|｜]\s*>|\[/?INST\]|<<\s*/?SYS\s*>>|^\s*(?:#+\s*)?(?:system|assistant|user|judge|grader)\s*:",
    re.IGNORECASE | re.MULTILINE,
)
OLD_END = re.compile(
    r"^\W{3,}\s*(?:end\b|[0-9a-f]{8}\b)|^\s*end [0-9a-f]{8}\b|\bend of (?:the )?response\b", re.I | re.M
)
OLD_MARK = re.compile(r"[.!?]+(?=[\s\"]|$)")
OLD_TITLE = re.compile(r"<<[^<>\n]*\w[^<>\n]*>>(\n|$)")
WORD = re.compile(r'"verdict"\s*:\s*"?([A-Za-z]+)')
PIECES = [
    "\n", " ", "\r", "\x1c", "\u2028", "#", "-", "=", "a", "user", "System", ":", "end", "END", " of ", "response",
    "0badcafe", "<", ">", "<<", ">>", "|", "[INST]", "<<SYS>>", ".", "!", "?", '"', "x", "_", "T", "*",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@pytest.mark.slow
@settings(max_examples=200)
@given(texts)
def test_signs_at_the_start_of_a_line(text: str) -> None:
    assert bool(SIGNS["role"].search(text)) == bool(OLD_ROLE.search(text))
    assert bool(SIGNS["end"].search(text)) == bool(OLD_END.search(text))


@settings(max_examples=100)
@given(texts)
def test_marks_and_titles(text: str) -> None:
    assert [m.span() for m in _MARK.finditer(text)] == [m.span() for m in OLD_MARK.finditer(text)]
    assert _untitled(text) == re.sub(r"<<.*?>>", "", text)
    title = rules.check(rules.get("local:title"), Doc(text), rules.validate("local:title", {}))
    assert title.ok == (OLD_TITLE.match(text.lstrip()) is not None)


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(["a", "b", "\n", "{answer}", "."]), max_size=4).map("".join),
    st.text("ab\n.", max_size=8),
)
def test_the_form_of_an_example(template: str, text: str) -> None:
    before, hole, after = template.partition("{answer}")
    pattern = re.escape(before) + (".*" if hole else "") + re.escape(after)
    assert in_form(template, text) == (re.fullmatch(pattern, text) is not None)


@settings(max_examples=100)
@given(
    st.lists(
        st.sampled_from(
            [
                '{"',
                "verdict",
                '"verdict"',
                '":',
                ":",
                " ",
                "\t",
                ' "',
                '"',
                "pass",
                "pa",
                '{"verdict":"pass"}',
                "</think>",
                "x",
            ]
        ),
        max_size=10,
    )
)
def test_the_place_of_a_verdict_among_tokens(tokens: list[str]) -> None:
    marked = [{"token": token, "logprob": -1.0} for token in tokens]
    begun = [match[1] for i in range(len(tokens)) if (match := WORD.search("".join(tokens[: i + 1])))]
    sure = confidence(JudgeAnswer("", 0.0, logprobs=tuple(marked)))
    assert (sure is not None) == (
        bool(begun) and ("pass".startswith(begun[0]) or begun[0].startswith("pass"))
    )
