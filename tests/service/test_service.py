"""The HTTP face of the verifier."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from support.harness import Service, StandInJudge, ask, item, recipe, run_service, service, wrong

from verif.errors import InputError, ServiceError
from verif.service.client import VerifierClient
from verif.types import Instruction, Item, Response, RuleConstraint


def post(url: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"{url}/v1/verify", body, {"Content-Type": "application/json", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, {"lines": answer.read().splitlines()}
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def test_verdicts_stream_and_reconcile_with_metrics(running: Service) -> None:
    items = [item(n, f"{'good' if n % 2 else 'bad'} one {n}") for n in range(200)]
    async with VerifierClient(running.url) as client:
        before = await client.metrics()
        found = {answer.id: answer async for answer in client.verify(items)}
        after = await client.metrics()
        assert await client.ready()
        assert len(await client.identity()) == 32
    assert wrong(items, found) == []
    for name in ("verif_items_total", 'verif_verifications_total{state="scored"}'):
        assert after[name] - before.get(name, 0) == 200


async def test_rollouts_that_arrive_together_are_one_batch(running: Service, judge: StandInJudge) -> None:
    import asyncio

    async with VerifierClient(running.url) as client:
        before = await client.metrics()
        same = [item(77, "good at once").model_copy(update={"id": str(n)}) for n in range(32)]

        async def one(asked: Item) -> Any:
            return await anext(client.verify([asked]))

        answers = await asyncio.gather(*(one(asked) for asked in same))
        after = await client.metrics()
    assert {answer.reward.value for answer in answers} == {1.0}
    assert after["verif_judge_calls_total"] - before["verif_judge_calls_total"] == 1
    assert after["verif_batches_total"] - before["verif_batches_total"] < 32


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 422, "JSON"),
        (b"{", 422, "JSON"),
        (b'{"items": []}', 422, "at least 1"),
        (b'{"items": [{"id": "1"}]}', 422, "instruction"),
        (b'{"items": 1, "more": 2}', 422, "array"),
        (b"[" * 100_000, 422, "JSON"),
        (b'{"items": "' + b"\xff" * 10 + b'"}', 422, "JSON"),
    ],
)
def test_bad_bodies_are_refused_with_the_field(
    running: Service, body: bytes, status: int, message: str
) -> None:
    code, answer = post(running.url, body)
    assert code == status
    assert message in answer["error"]


def test_sizes_are_limited(running: Service) -> None:
    assert post(running.url, b"x", **{"Content-Length": str(100 << 20)})[0] == 413
    big = item(1, "x" * 8_000_001).model_dump_json()
    code, answer = post(running.url, f'{{"items": [{big}]}}'.encode())
    assert code == 422
    assert "longer than" in answer["error"]


async def test_a_million_words_get_a_verdict(running: Service) -> None:
    found = await ask(running.url, [item(1, "word " * 1_000_000, soft=False)])
    assert found["1"].reward.value == 1.0


async def test_strange_text_gets_a_verdict(running: Service) -> None:
    texts = [
        "\ud800 good",
        "\x00 good",
        "good \u202e rtl",
        "e\u0301" * 500 + "good",
        "good 👩‍👩‍👧‍👦",
        "good\r\n\ufeff",
    ]
    items = [item(n, text) for n, text in enumerate(texts)]
    assert wrong(items, await ask(running.url, items)) == []


async def test_a_bad_rule_names_the_item(running: Service) -> None:
    bad = Instruction(id="1", prompt="p", constraints=(RuleConstraint(text="t", rule="nope:nope"),))
    with pytest.raises(InputError, match="nope:nope"):
        await ask(running.url, [Item(id="1", instruction=bad, response=Response(text="x"))])


async def test_a_parameter_beyond_64_bits_names_its_field(running: Service) -> None:
    rule = RuleConstraint(
        text="t",
        rule="length_constraints:number_words",
        params={"num_words": 2**64, "relation": "at least"},
    )
    bad = Instruction(id="1", prompt="p", constraints=(rule,))
    with pytest.raises(InputError, match="num_words"):
        await ask(running.url, [Item(id="1", instruction=bad, response=Response(text="x"))])


@pytest.mark.slow
async def test_a_token_is_needed_where_one_is_set(
    tmp_path: Path, judge: StandInJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERIF_VERIFIER_TOKEN", "sesame")
    with service(tmp_path, None, chosen=recipe(judge="none")) as guarded:
        with pytest.raises(ServiceError, match="token"):
            await ask(guarded.url, [item(1, "good", soft=False)], token="")
        found = await ask(guarded.url, [item(1, "good", soft=False)], token="sesame")
        assert found["1"].reward.value == 1.0
        found = await ask(guarded.url, [item(1, "good", soft=False)])
        assert found["1"].reward.value == 1.0, "a client takes the token from the environment"
        async with VerifierClient(guarded.url, "") as kubelet:
            assert await kubelet.ready()
        async with VerifierClient(guarded.url, "wrong") as client:
            with pytest.raises(ServiceError, match=r"metrics answered HTTP 401.*token"):
                await client.metrics()
            with pytest.raises(ServiceError, match=r"identity answered HTTP 401.*token"):
                await client.identity()
        assert "sesame" not in (tmp_path / "service.log").read_text()


def test_it_documents_itself_and_listens_on_loopback_only(running: Service) -> None:
    with urllib.request.urlopen(f"{running.url}/openapi.json", timeout=5) as answer:
        assert "/v1/verify" in json.load(answer)["paths"]
    assert running.url.startswith("http://127.0.0.1:")


@pytest.mark.slow
def test_a_taken_port_is_one_clear_line(running: Service, tmp_path: Path) -> None:
    port = int(running.url.rsplit(":", 1)[1])
    config = running.config.model_copy(update={"port": port, "folder": tmp_path})
    (tmp_path / "config.json").write_text(config.model_dump_json(by_alias=True))
    assert run_service(tmp_path).wait(60) == 2
    assert (tmp_path / "service.log").read_text().count(f"port {port}") == 1


@pytest.mark.slow
async def test_ready_needs_a_real_verdict(judge: StandInJudge, running: Service) -> None:
    import asyncio

    async with VerifierClient(running.url) as client:
        await asyncio.sleep(2.1)
        judge.control(mode="say:I cannot.")
        assert not await client.ready()
        judge.control(mode="ok")
        assert not await client.ready(), "nothing is probed again so soon"
        await asyncio.sleep(2.1)
        assert await client.ready()


async def test_the_watch_asks_about_what_the_formula_rewards(running: Service) -> None:
    from verif.audit.oracles import per_constraint
    from verif.data.rollouts import Rollout
    from verif.types import Reward, Verification

    given = Verification(id="1", verdicts=(), reward=Reward(value=1.0, state="scored", formula="average"))
    asked = item(1, "good, but with a comma")
    rollouts = [Rollout(1, "u", asked.instruction, asked.response, given)]
    said = {f: await per_constraint(running.url, rollouts, f) for f in ("average", "soft-only", "hard-only")}
    assert said == {"average": [False], "soft-only": [True], "hard-only": [False]}
