"""The dialects of other trainers: what each sends, what each wants back, and what an error becomes."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.harness import item

from verif.core.judge.client import JudgeClient
from verif.core.verifier import Verifier
from verif.service.app import create_app
from verif.types import Instruction, Status, Verdict

COMMA = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
TONE = {"id": "7", "constraints": [{"kind": "soft", "text": "Be good."}]}
PROMPT = "<|im_start|>user\nDescribe the harbour.<|im_end|>\n<|im_start|>assistant\n"
END = "<|im_end|>"


class Wilful:
    """A judge that says what the answer says, and fails at the word "broken"."""

    part = "judge:wilful"

    def __init__(self) -> None:
        self.client = JudgeClient(["http://127.0.0.1:9/v1"], "judge")  # for its figures; never asked

    def asks(self, soft: Sequence[int]) -> list[tuple[int, ...]]:
        return [tuple(soft)]

    def key(self, instruction: Instruction, answer: str, indices: Sequence[int]) -> str:
        return f"{instruction.prompt}{answer}"

    async def ask(self, instruction: Instruction, answer: str, indices: Sequence[int]) -> Verdict:
        status = Status.PASS if "good" in answer else Status.FAIL
        status = Status.ERROR if "broken" in answer else status
        return Verdict(status=status, covers=tuple(indices), reason="the judge is down", part=self.part)


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[httpx.AsyncClient]:
    made = create_app(Verifier(judge=Wilful()), probes=[item(0, "good text")], **options)
    async with (
        made.router.lifespan_context(made),
        httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://verifier") as client,
    ):
        yield client


def openrlhf(*said: str, label: Any = COMMA) -> dict[str, Any]:
    return {
        "query": [PROMPT + text for text in said],
        "prompts": [PROMPT] * len(said),
        "labels": [json.dumps(label)] * len(said),
    }


def gym(said: str, row: dict[str, Any] = COMMA, status: str = "completed") -> dict[str, Any]:
    """A request as NeMo Gym's agents send it: reasoning is an output of its own."""
    return {
        **row,
        "responses_create_params": {"input": [{"role": "user", "content": "Describe the harbour."}]},
        "response": {
            "status": status,
            "output": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "First, the boats."}]},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": said}]},
            ],
        },
    }


async def test_openrlhf_gets_a_list_in_the_order_of_its_queries() -> None:
    async with serving() as client:
        body = openrlhf(f"A boat, a gull.{END}", f"A boat.{END}", f"<think>a, b</think>A boat.{END}", END)
        reply = await client.post("/openrlhf", params={"end": END}, json=body)
    assert reply.json() == {"rewards": [0.0, 1.0, 1.0, 0.0], "scores": [0.0, 1.0, 1.0, 0.0], "extra_logs": {}}


async def test_the_token_that_ends_a_response_is_no_part_of_it() -> None:
    label = {"instruction_id_list": ["startend:end_checker"], "kwargs": [{"end_phrase": "The end."}]}
    body = {"prompt": "p", "response": f"A boat. The end.{END}", "label": json.dumps(label)}
    async with serving() as client:
        assert (await client.post("/slime", params={"end": END}, json=body)).json() == 1.0
        assert (await client.post("/slime", params={"end": ""}, json=body)).json() == 0.0
        unsaid = await client.post("/slime", json=body)
    assert unsaid.status_code == 422
    assert "?end=<|im_end|>" in unsaid.json()["error"]


async def test_a_fragment_is_decided_by_code_and_judged_by_nobody() -> None:
    async with serving() as client:
        cut = {"prompt": "p", "response": "A good boat", "label": TONE}
        assert (await client.post("/slime", params={"end": END}, json=cut)).json() == 0.0  # unscorable
        whole = {**cut, "response": f"A good boat{END}"}
        assert (await client.post("/slime", params={"end": END}, json=whole)).json() == 1.0


async def test_an_error_is_503_where_the_trainer_has_no_word_for_it() -> None:
    async with serving() as client:
        one = {"prompt": "p", "response": "broken", "label": TONE}
        many = openrlhf("good", "broken", label=TONE)
        for path, body in (("/slime", one), ("/openrlhf", many)):
            reply = await client.post(path, params={"end": ""}, json=body)
            assert reply.status_code == 503
            assert "the judge is down" in reply.json()["error"]
            assert "reward" not in reply.json()
        metrics = (await client.get("/metrics")).text
    assert 'verif_verifications_total{state="error"} 2.0' in metrics
    assert 'verif_requests_total{status="503"} 2.0' in metrics


async def test_gym_gets_its_row_back_and_an_error_masked() -> None:
    async with serving() as client:
        good = (await client.post("/verify", json=gym("A boat."))).json()
        bad = (await client.post("/verify", json=gym("A boat, a gull."))).json()
        lost = (await client.post("/verify", json=gym("broken", TONE))).json()
        cut = (await client.post("/verify", json=gym("good", TONE, status="incomplete"))).json()
    assert good == {**gym("A boat."), "reward": 1.0}
    assert bad["reward"] == cut["reward"] == 0.0
    assert not bad.get("mask_sample")
    assert not cut.get("mask_sample")
    assert lost["reward"] == 0.0
    assert (lost["mask_sample"], lost["failure_kind"]) == (True, "judge_failed")
    assert lost["failure_reason"] == "the judge is down"


async def test_an_error_without_a_judge_has_another_name() -> None:
    checker = {"id": "1", "constraints": [{"kind": "checker", "text": "t", "source": "def broken("}]}
    async with serving() as client:
        lost = (await client.post("/verify", json=gym("A boat.", checker))).json()
    assert lost["failure_kind"] == "verifier_error"
    assert lost["mask_sample"] is True


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/slime", [], "must be a JSON object"),
        ("/slime", {"response": 3, "label": COMMA}, "'response': must be text"),
        ("/slime", {"label": COMMA}, "'response': is missing"),
        ("/slime", {"prompt": 3, "response": "x", "label": COMMA}, "'prompt'"),
        ("/slime", {"prompt": "p", "response": "x"}, "has no constraints"),
        ("/slime", {"prompt": "p", "response": "x", "label": "{"}, "'ground_truth': is neither JSON"),
        ("/slime", {"prompt": "p", "response": "x", "label": "[]"}, "'ground_truth': must be an object"),
        ("/slime", {"prompt": "p", "response": "x", "label": "[" * 300_000}, "more than 200000 values"),
        ("/slime", {"prompt": "p", "response": "x", "label": {**COMMA, "kwargs": 3}}, "'kwargs'"),
        ("/slime", {"prompt": "", "response": "x", "label": TONE}, "'prompt': is empty"),
        ("/openrlhf", {"query": "x", "prompts": [], "labels": []}, "'query': must be a list"),
        ("/openrlhf", {"query": ["x"], "prompts": [], "labels": []}, "1 entries for 0 prompts"),
        ("/openrlhf", {"query": [1], "prompts": ["p"], "labels": ["{}"]}, "row 1, field 'query'"),
        (
            "/openrlhf",
            {"query": ["xy"], "prompts": ["p"], "labels": ["{}"]},
            "does not begin with its prompt",
        ),
        ("/openrlhf", {"query": [], "prompts": [], "labels": []}, "items"),
        ("/verify", {**COMMA}, "'response': must be an object"),
        ("/verify", {**gym("x"), "response": {"output": 3}}, "'response.output': must be a list"),
        ("/verify", {**gym("x"), "instruction_id_list": ["no:such_rule"]}, "no:such_rule"),
        ("/verify", {**gym("x"), "responses_create_params": {}}, "'prompt'"),
    ],
)
async def test_a_wrong_body_is_one_clear_line(path: str, body: Any, said: str) -> None:
    async with serving() as client:
        reply = await client.post(path, params={"end": ""}, json=body)
        assert reply.status_code == 422, reply.text
        assert said in reply.json()["error"]
        assert "\n" not in reply.json()["error"]
        assert (await client.get("/health")).status_code == 200


async def test_a_body_nested_too_deeply_is_refused() -> None:
    deep = b'{"response": "x", "label": ' + b"[" * 900 + b"]" * 900 + b"}"
    async with serving() as client:
        reply = await client.post("/slime", params={"end": ""}, content=deep)
    assert reply.status_code == 422
    assert "nested too deeply" in reply.json()["error"]


async def test_a_lone_surrogate_of_the_policy_is_no_fault_of_the_request() -> None:
    raw = json.dumps({"prompt": "p", "response": "A boat \ud83d", "label": COMMA}).encode()
    async with serving() as client:
        assert (await client.post("/slime", params={"end": ""}, content=raw)).json() == 1.0
        echoed = await client.post("/verify", content=json.dumps(gym("A boat \ud83d")).encode())
    assert echoed.json()["reward"] == 1.0


async def test_the_token_may_stand_in_the_url() -> None:
    def basic(password: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"verif:{password}".encode()).decode()}

    async with serving(token="geheim") as client:
        for headers, status in (
            ({}, 401),
            (basic("geheim"), 200),
            (basic("wrong"), 401),
            (basic(""), 401),
            ({"Authorization": "Basic ???"}, 401),
            ({"Authorization": "geheim"}, 401),
            ({"Authorization": "Bearer geheim"}, 200),
        ):
            reply = await client.post("/verify", json=gym("A boat."), headers=headers)
            assert reply.status_code == status, headers


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["query", "prompts", "labels", "prompt", "response", "label", "output", "content", "text",
                 "responses_create_params", "input", "instruction_id_list", "kwargs", "constraints", "ground_truth"]
            ),
            inner,
            max_size=6,
        ),
        max_leaves=12,
    ),
    path=st.sampled_from(["/openrlhf", "/slime", "/verify"]),
)  # fmt: skip
async def test_no_body_breaks_the_service(body: Any, path: str) -> None:
    async with serving() as client:
        raw = json.dumps(body).encode("utf-8", "surrogatepass")
        reply = await client.post(path, params={"end": ""}, content=raw)
    assert reply.status_code in (200, 422, 503)
    if reply.status_code != 200:
        assert reply.json()["error"]
