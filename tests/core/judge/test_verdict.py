"""Only a well-formed verdict in the final segment is a verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.core.judge.verdict import parse
from verif.errors import JudgeError


@pytest.mark.parametrize(
    ("text", "passed", "reason"),
    [
        ('{"verdict":"pass"}', True, ""),
        ('topic kitchen yes, tone gloomy no</think>{"verdict":"fail"}', False, ""),
        (
            '<think>long\n{"verdict":"pass"}</think>\n\n{"verdict": "fail", "reason": "too\\nlong"}\n',
            False,
            "too long",
        ),
    ],
)
def test_verdicts(text: str, passed: bool, reason: str) -> None:
    assert parse(text).passed is passed
    assert parse(text).reason == reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pass",
        "[[1]]",
        "[[100]]",
        "I cannot help with that.",
        '<think>{"verdict":"pass"}',
        'reasoning {"verdict":"pass"}',
        'x</think>{"verdict":"pass"} indeed',
        'x</think>{"verdict":"pass"}{"verdict":"pass"}',
        'x</think>{"verdict":"pass"}</think>{"verdict":"fail"}',
        'x</think>```json\n{"verdict":"pass"}\n```',
        'x</think>{"verdict":"fail","verdict":"pass"}',
        'x</think>{"verdict":"PASS"}',
        'x</think>{"verdict":1}',
        'x</think>{"verdict":true}',
        'x</think>{"verdict":["pass"]}',
        'x</think>{"verdict":"pass","score":1}',
        'x</think>{"verdict":"pass","reason":3}',
        'x</think>["pass"]',
        'x</think>"pass"',
        'x</think>{"reason":"fine"}',
        'x</think>{"verdict":"pass"',
        "x</think>" + "[" * 100_000,
    ],
)
def test_everything_else_is_an_error(text: str) -> None:
    with pytest.raises(JudgeError):
        parse(text)


@given(st.text(max_size=200))
def test_free_text_is_never_a_verdict(text: str) -> None:
    try:
        found = parse(text)
    except JudgeError:
        return
    assert '"verdict"' in text.rsplit("</think>", 1)[-1]
    assert found.verdict in ("pass", "fail")


@given(st.text(max_size=200).filter(lambda t: "</think>" not in t))
def test_what_stands_in_the_reasoning_does_not_count(reasoning: str) -> None:
    assert parse(reasoning + '</think>{"verdict":"fail"}').passed is False


@pytest.mark.slow
def test_a_second_of_fuzzing_finds_nothing() -> None:
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    spec = spec_from_file_location("fuzz_verdicts", Path(__file__).parents[2] / "fuzz" / "verdicts.py")
    assert spec is not None
    assert spec.loader is not None
    fuzz = module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    found = fuzz.run(1, 0.7)
    assert found["verdicts"] > 10, found
    assert found["texts"] > found["verdicts"]
    assert fuzz.verdict_of('x</think>{"verdict":"p\\u0061ss"}') == "pass"
    assert fuzz.verdict_of('{"verdict":"pass"}</think>') == ""
