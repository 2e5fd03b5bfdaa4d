"""What an end point is asked for leaves room for everything that the strict reading takes."""

from __future__ import annotations

import json

import pytest

from verif.data.builder.reply import LONGEST_CODE, KeptReply, Proposals, Reply, WrittenChecker, read, schema

CODE = 'import re\n\n\ndef check_following(instruction, response):\n    return "é\\" in response\n'
WRITTEN = json.dumps({"code": CODE, "cases": [{"text": 'Say "no".\nThen go.', "follows": False}]})
PROPOSED = json.dumps({"constraints": [{"dimension": "style", "text": 'Use "I".', "code": True}]})


@pytest.mark.slow  # the grammar engine is half a second of imports, and torch more
def test_the_grammar_engine_behind_vllm_lets_a_checker_have_lines_and_quotes() -> None:
    xgrammar = pytest.importorskip("xgrammar")
    compiler = xgrammar.GrammarCompiler(xgrammar.TokenizerInfo([bytes([byte]) for byte in range(256)]))

    def takes(form: type[Reply], text: str) -> bool:
        matcher = xgrammar.GrammarMatcher(compiler.compile_json_schema(json.dumps(schema(form))))
        return bool(matcher.accept_string(text))

    assert takes(WrittenChecker, WRITTEN)
    assert takes(Proposals, PROPOSED)
    assert takes(KeptReply, '{"kept": [true, false]}')
    assert not takes(WrittenChecker, '{"code": 1')
    assert not takes(KeptReply, '{"kept": [true], "why"')


def test_lengths_are_held_by_the_reading_and_not_asked_for() -> None:
    assert "axLength" not in json.dumps([schema(form) for form in (Proposals, WrittenChecker)])
    assert read(WRITTEN, WrittenChecker).code == CODE
    long = json.dumps({"code": "x" * (LONGEST_CODE + 1), "cases": []})
    with pytest.raises(ValueError, match="at most 8000 characters"):
        read(long, WrittenChecker)
