"""What a judge is asked with, what its verdicts are kept under, and what they are worth when it fails."""

from __future__ import annotations

from verif.judge.judge import judge_part, sampling


def test_the_schema_goes_only_to_a_server_that_lets_the_judge_reason_first() -> None:
    assert "response_format" not in sampling("joint-en", 4096), "it would hold from the first token"
    assert sampling("joint-en", 4096, "deepseek_r1")["response_format"]["type"] == "json_schema"
    assert "response_format" not in sampling("local", 64, "deepseek_r1")


def test_a_judge_with_a_parser_is_another_judge() -> None:
    parameters = sampling("joint-en", 64, "deepseek_r1")
    parts = {judge_part("m", "joint-en", parameters, "", parser) for parser in ("", "deepseek_r1", "qwen3")}
    assert len(parts) == 3
