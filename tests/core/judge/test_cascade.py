"""The small judge decides when it is sure, outside its band."""

from __future__ import annotations

import math

import pytest
from support.harness import StandInJudge as Standin
from support.harness import item

from verif.core.judge.cascade import Band, Cascade
from verif.core.judge.client import JudgeAnswer, JudgeClient
from verif.core.judge.judge import Judge, confidence
from verif.types import Status


def tokens(*found: tuple[str, dict[str, float]]) -> tuple[dict, ...]:
    return tuple(
        {"token": token, "top_logprobs": [{"token": t, "logprob": math.log(p)} for t, p in choices.items()]}
        for token, choices in found
    )


def answer(p_pass: float) -> JudgeAnswer:
    verdict = "pass" if p_pass > 0.5 else "fail"
    parts = tokens(
        ("no", {"no": 1.0}),
        ("</think>", {"</think>": 1.0}),
        ('{"verdict":"', {'{"verdict":"': 1.0}),
        (verdict, {"pass": p_pass, "fail": 1 - p_pass}),
        ('"}', {'"}': 1.0}),
    )
    return JudgeAnswer("".join(part["token"] for part in parts), 0.0, logprobs=parts)


def test_confidence_is_read_where_the_verdict_stands() -> None:
    assert confidence(answer(0.9)) == pytest.approx(0.9)
    assert confidence(JudgeAnswer('x</think>{"verdict":"pass"}', 0.0)) is None


def test_a_quote_that_is_a_token_of_its_own_is_not_taken_for_the_verdict() -> None:
    certain = [(text, {text: 1.0}) for text in ("no", "</think>", '{"', "verdict", '":')]
    quote = (' "', {' "': 0.99, ' "pass': 0.01})
    parts = tokens(*certain, quote, ("fail", {"pass": 0.2, "fail": 0.8}), ('"}', {'"}': 1.0}))
    assert confidence(JudgeAnswer('no</think>{"verdict": "fail"}', 0.0, logprobs=parts)) == pytest.approx(0.2)


def test_a_verdict_may_be_one_token() -> None:
    whole = {'{"verdict": "pass"}': 0.7, '{"verdict": "fail"}': 0.3}
    parts = tokens(("</think>", {"</think>": 1.0}), ('{"verdict": "pass"}', whole), ("<end>", {"<end>": 1.0}))
    assert confidence(JudgeAnswer('</think>{"verdict": "pass"}', 0.0, logprobs=parts)) == pytest.approx(0.7)


class Fixed:
    """A client with one answer (the arithmetic of the cascade is under test, not HTTP)."""

    def __init__(self, p_pass: float) -> None:
        self.p_pass = p_pass

    async def judge(self, messages: object, *, seed: int = 0) -> JudgeAnswer:
        return answer(self.p_pass)

    async def close(self) -> None:
        return


@pytest.mark.parametrize(
    ("p_pass", "by", "status"),
    [(0.99, "small", Status.PASS), (0.01, "small", Status.FAIL), (0.6, "large", Status.PASS)],
)
async def test_inside_the_band_the_large_judge_decides(
    judge: Standin, p_pass: float, by: str, status: Status
) -> None:
    large_client = JudgeClient([f"{judge.url}/v1"], "judge")
    large = Judge(large_client, template="joint-en", model_digest="large", parameters={})
    small = Judge(Fixed(p_pass), template="joint-en", model_digest="small", parameters={})
    cascade = Cascade(small, large, Band(0.1, 0.9))
    one = item(1, "good")
    found = await cascade.ask(one.instruction, "good", (1,))
    await cascade.client.close()
    assert found.evidence["by"] == by
    assert ("small_p_pass" in found.evidence) is (by == "large"), "the audit compares the two"
    assert found.status is status
    assert found.part == cascade.part
