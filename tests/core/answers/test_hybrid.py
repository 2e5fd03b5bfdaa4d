"""Rules first, then a model: what it may decide, what it may not, and that its failures are errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from verif import build
from verif.core.answers.hybrid import Hybrid, Likeness, Pair
from verif.core.cache import VerdictCache
from verif.core.verifier import Verifier
from verif.errors import JudgeError, RecipeError
from verif.types import Cost, Instruction, Item, ReferenceConstraint, Response, Status, Verification


class Model:
    """Says what it is told to, and remembers what it was asked."""

    part = "model:1"

    def __init__(self, says: Callable[[Pair], float]) -> None:
        self.says = says
        self.asked: list[Pair] = []

    async def likeness(self, pair: Pair) -> Likeness:
        self.asked.append(pair)
        return Likeness(self.says(pair), Cost(seconds=0.5, prompt_tokens=3, completion_tokens=1))

    async def close(self) -> None:
        pass


def item(text: str, answer: str = "harbour", compare: str = "text", **more: object) -> Item:
    fields = {"text": "Answer.", "answer": answer, "compare": compare, **more}
    constraint = ReferenceConstraint.model_validate(fields)
    asked = Instruction(id="1", prompt="Where are boats?", constraints=(constraint,))
    return Item(id=text, instruction=asked, response=Response(text=text))


async def verdicts(
    model: Model, *items: Item, alone: bool = False, cache: VerdictCache | None = None
) -> dict[str, Verification]:
    verifier = Verifier(hybrid=Hybrid(model, 0.9, alone=alone), cache=cache)
    out = {verification.id: verification async for verification in verifier.verify(items)}
    if cache is None:
        await verifier.close()
    return out


async def test_the_model_is_asked_only_about_what_rules_call_unequal() -> None:
    model = Model(lambda pair: 0.95 if pair.answer == "the port" else 0.1)
    out = await verdicts(model, item("It is\nharbour"), item("It is\nthe port"), item("It is\na field"))
    assert [pair.answer for pair in model.asked] == ["the port", "a field"]
    assert model.asked[0].question == "Where are boats?"
    assert out["It is\nharbour"].reward.value == 1.0
    passed = out["It is\nthe port"].verdicts[0]
    assert (passed.status, passed.evidence["by"], passed.evidence["p_same"]) == (Status.PASS, "model", 0.95)
    assert passed.cost.prompt_tokens == 3
    assert out["It is\na field"].verdicts[0].status is Status.FAIL
    assert "differs" in out["It is\na field"].verdicts[0].reason


@pytest.mark.parametrize(
    ("text", "answer", "compare", "status"),
    [
        ("Answer: (B)", "C", "choice", Status.FAIL),  # there are not many ways to name a choice
        ("The answer is 13", "12", "number", Status.FAIL),  # two numbers that differ
        ("The answer is 13", "12", "math", Status.FAIL),
        ("The answer is 7 + 5", "12", "number", Status.FAIL),  # the question again, in figures
        ("The answer is seven boats plus five boats.", "12 boats", "number", Status.FAIL),
        ("\\boxed{1} \\boxed{2}", "2", "math", Status.UNSCORABLE),  # no answer at all
        (f"The answer is {'x' * 1500}", "2", "math", Status.FAIL),
        (f"The answer is {'x' * 500}", "harbour", "text", Status.FAIL),  # it could leave the model's context
    ],
)
async def test_a_model_that_says_yes_to_everything_is_not_asked_there(
    text: str, answer: str, compare: str, status: Status
) -> None:
    model = Model(lambda _: 1.0)
    out = await verdicts(model, item(text, answer, compare))
    assert out[text].verdicts[0].status is status
    assert not model.asked


async def test_an_answer_as_long_as_its_reference_is_asked_about() -> None:
    model, known = Model(lambda _: 1.0), "the boats lie in the harbour. " * 12
    text = "It is\n" + "the ships lie in the harbour, " * 15
    out = await verdicts(model, item(text, known.strip()))
    assert (out[text].verdicts[0].status, len(model.asked)) == (Status.PASS, 1)


async def test_a_sum_that_was_worked_out_is_open() -> None:
    model = Model(lambda _: 1.0)
    out = await verdicts(
        model, *(item(f"It is\n{text}", "12", "number") for text in ("twelve", "so 7 + 5 = 12", "12 (7 + 5)"))
    )
    assert {verification.verdicts[0].status for verification in out.values()} == {Status.PASS}
    refused = (await verdicts(model, item("It is\n2^5", "32", "number")))["It is\n2^5"].verdicts[0]
    assert refused.reason == "the answer is a sum that is not worked out"


async def test_each_open_alternative_is_asked_and_the_likeliest_counts() -> None:
    model = Model(lambda pair: 0.99 if pair.reference == "port" else 0.2)
    out = await verdicts(model, item("It is\nthe docks", alternatives=["port", "quay"]))
    assert [pair.reference for pair in model.asked] == ["harbour", "port", "quay"]
    assert out["It is\nthe docks"].verdicts[0].status is Status.PASS


async def test_a_model_that_cannot_be_asked_is_an_error_and_no_reward() -> None:
    def down(_: Pair) -> float:
        raise JudgeError("nobody is there")

    out = await verdicts(Model(down), item("It is\nthe port"))
    verification = out["It is\nthe port"]
    assert (verification.verdicts[0].status, verification.verdicts[0].reason) == (
        Status.ERROR,
        "nobody is there",
    )
    assert verification.reward.value is None


async def test_its_word_is_kept_but_no_error_is(tmp_path: Path) -> None:
    answers = [JudgeError("down"), 0.95]

    def says(_: Pair) -> float:
        answer = answers.pop(0)
        if isinstance(answer, JudgeError):
            raise answer
        return answer

    model, cache = Model(says), VerdictCache(tmp_path / "verdicts")
    first = await verdicts(model, item("It is\nthe port"), cache=cache)
    assert first["It is\nthe port"].verdicts[0].status is Status.ERROR
    for cached in (False, True):
        again = await verdicts(model, item("It is\nthe port"), cache=cache)
        assert again["It is\nthe port"].verdicts[0].status is Status.PASS
        assert again["It is\nthe port"].verdicts[0].cost.cached is cached
    cache.close()


async def test_alone_it_also_decides_what_the_rules_call_equal() -> None:
    model = Model(lambda _: 0.1)
    out = await verdicts(model, item("It is\nharbour"), alone=True)
    assert out["It is\nharbour"].verdicts[0].status is Status.FAIL


def test_the_identity_names_model_and_threshold_and_is_unchanged_without() -> None:
    plain = build(cache=False).identity
    assert build({"reference": {"model": "none"}}, cache=False).identity == plain
    model = {"model": "features"}
    identities = {
        plain,
        build({"reference": model}, cache=False).identity,
        build({"reference": model | {"threshold": 0.7}}, cache=False).identity,
        build({"reference": model | {"rules": False}}, cache=False).identity,
    }
    assert len(identities) == 4


def test_a_served_model_needs_a_digest_and_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VERIF_ANSWERS_URL", raising=False)
    with pytest.raises(RecipeError, match="digest"):
        build({"reference": {"model": "judge"}}, cache=False)
    with pytest.raises(RecipeError, match="no server is named"):
        build({"reference": {"model": "judge", "digest": "ab"}}, cache=False)
    with pytest.raises(RecipeError, match="without rules"):
        build({"reference": {"rules": False}}, cache=False)
