"""What is taken for reasoning, format by format; and that the audit's truth cuts by other means to the same place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verif import RuleConstraint, verify
from verif.audit.said import said
from verif.core.answer import answer_of, as_sent
from verif.core.reasoning import TAGS
from verif.errors import InputError
from verif.types import Reasoning, Response, Status

FORMATS: tuple[Reasoning, ...] = get_args(Reasoning)
NO_COMMA = [RuleConstraint(text="No commas.", rule="punctuation:no_comma")]
HARMONY = "<|channel|>analysis<|message|>Well, so.<|end|><|start|>assistant<|channel|>final<|message|>"
TRACES: dict[str, str] = {
    "think": "<think>\nWell, so.\n</think>\n\n",
    "think, prefilled": "Well, so.\n</think>\n\n",
    "think, empty": "<think>\n\n</think>\n\n",
    "think, on the line": "<think>Well, so.</think> ",
    "thinking": "<thinking>Well, so.</thinking>\n",
    "reasoning": "<reasoning>\nWell, so.\n</reasoning>\n",
    "seed-think": "<seed:think>Well, so.</seed:think>",
    "bracket-think": "[THINK]Well, so.[/THINK]",
    "gemma": "<|channel>thought\nWell, so.<channel|>",
    "harmony": HARMONY,
    "harmony, stripped": "analysisWell, so.assistantfinal",
}
UNFINISHED = {
    "think": "<think>Well, so",
    "thinking": "<thinking>Well, so",
    "reasoning": "<reasoning>Well",
    "seed-think": "<seed:think>Well",
    "bracket-think": "[THINK]Well",
    "gemma": "<|channel>thought\nWell",
    "harmony": "<|channel|>analysis<|message|>Well, so",
    "harmony, stripped": "analysisWell, so",
    "answer": "<answer>The boat",
}


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("auto", [True, False])
def test_a_trace_goes_with_the_white_space_behind_it(name: str, auto: bool) -> None:
    own = name.partition(",")[0]
    found = answer_of(Response(text=TRACES[name] + "A calm boat."), "auto" if auto else own)  # type: ignore[arg-type]
    assert (found.text, found.hopeless, found.taken) == ("A calm boat.", "", own)
    assert found.note == f"reasoning: {own}"


@pytest.mark.parametrize("name", UNFINISHED)
def test_an_unfinished_one_is_unscorable(name: str) -> None:
    for reasoning in ("auto", name.partition(",")[0]):
        found = verify("p", UNFINISHED[name], NO_COMMA, reasoning=reasoning)  # type: ignore[arg-type]
        assert (found.reward.state, found.verdicts[0].status) == ("unscorable", Status.UNSCORABLE)
        assert "did not finish" in found.verdicts[0].reason


@pytest.mark.parametrize("name", [*TAGS, "harmony", "answer"])
def test_a_named_format_is_demanded(name: Reasoning) -> None:
    assert verify("p", "A calm boat.", NO_COMMA, reasoning=name).reward.state == "unscorable"
    assert verify("p", as_sent("A calm boat.", name), NO_COMMA, reasoning=name).reward.value == 1.0


def test_nothing_is_hidden_where_the_policy_does_not_think() -> None:
    hidden = "A long text, with commas</think>ok"
    assert verify("p", hidden, NO_COMMA, reasoning="none").reward.value == 0.0
    found = verify("p", hidden, NO_COMMA)
    assert (found.reward.value, found.note) == (1.0, "reasoning: think"), "auto takes it, and says so"
    for mark in ("</thinking>", "[/THINK]", "<channel|>", "assistantfinal", "<|channel|>final<|message|>"):
        assert verify("p", f"A long text, with commas{mark}ok", NO_COMMA).reward.value == 0.0


@pytest.mark.parametrize("text", [
    "<think>a</think><think>b</think>c", "<think>a</think>b</think>c", "<think>a</think><thinking>b</thinking>c",
    HARMONY + "a<|end|><|start|>assistant<|channel|>final<|message|>b", "analysisWell.assistantfinalaassistantfinalb",
    HARMONY + "a<|end|>b",
])  # fmt: skip
def test_text_between_two_traces_is_never_dropped_in_silence(text: str) -> None:
    assert answer_of(Response(text=text)).hopeless in (
        "the response has more than one reasoning block", "the response has text after its answer's end",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("<answer>\nA boat.\n</answer>", "A boat."),
        ("<think>Well.</think>\n<answer>A boat.</answer>\n", "A boat."),
        (HARMONY + "A boat.<|return|>", "A boat."),
        ("<answer>A boat.</answer> And more.", "<answer>A boat.</answer> And more."),
    ],
)
def test_the_wrapper_of_an_answer_goes_too(text: str, due: str) -> None:
    assert answer_of(Response(text=text)).text == due


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("<thought>Well, so.</thought>A boat.", "<thought>"),
        ("◁think▷Well◁/think▷A boat.", "◁think▷"),
        ("<|begin_of_thought|>Well<|end_of_thought|>A boat.", "<|begin_of_thought|>"),
        ("A boat, as <Think> says.", "<Think>"),
        ("<b>A boat</b> [ADDRESS] <html>", ""),
        ("analysis of the boat", ""),
    ],
)
def test_markup_that_is_not_known_is_said(text: str, mark: str) -> None:
    found = verify("p", text, NO_COMMA)
    assert found.note == (f"unknown markup: {mark}" if mark else "")


PIECES = st.lists(
    st.sampled_from((
        "<think>", "</think>", "<thinking>", "</thinking>", "<|channel>", "<channel|>", "[THINK]", "[/THINK]", "a boat",
        "<seed:think>", "</seed:think>", "<answer>", "</answer>", "\n", " ",
    )),
    max_size=6,
).map("".join)  # fmt: skip


@pytest.mark.slow
@given(PIECES, st.sampled_from([name for name in FORMATS if name != "auto"]))
@settings(max_examples=300)
def test_the_truth_of_the_audit_sees_the_same_answer(text: str, reasoning: Reasoning) -> None:
    found = answer_of(Response(text=text), reasoning)
    assert found.text.strip() == said(text, reasoning).strip() or found.hopeless


@pytest.mark.parametrize("name", TRACES)
def test_a_fault_of_the_cut_would_show_in_the_audit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The truth shares neither code nor table with what it is to find fault with."""
    text = TRACES[name] + "A calm boat."
    monkeypatch.setattr("verif.core.reasoning.TAGS", dict.fromkeys(TAGS, ("<x>", "</x>")))
    monkeypatch.setattr("verif.core.reasoning.FINAL", "x")
    monkeypatch.setattr("verif.core.reasoning.BARE_FINAL", "x")
    assert said(text, "auto").strip() == "A calm boat."
    assert answer_of(Response(text=text)).text != "A calm boat."


@pytest.mark.slow
def test_the_published_responses_score_the_same_behind_any_trace(reference_data: Path) -> None:
    from verif.core.row_files import join
    from verif.core.score import score

    folder = reference_data / "ifeval"
    answers = folder / "input_response_data_gpt4_20231107_145030.jsonl"
    unknown: list[InputError] = []
    rows = list(join(folder / "input_data.jsonl", answers, unknown.append))
    plain = [scored.followed for scored in score(rows)]
    assert (sum(map(bool, plain)), len(plain)) == (417, 540)
    for name, trace in TRACES.items():
        own = name.partition(",")[0]
        sent = [replace(row, response=trace + (row.response or "")) for row in rows]
        found = [scored.followed for scored in score(sent, reasoning=own)]  # type: ignore[arg-type]
        assert found == plain, name
