"""What the judge reads: policy text stays data."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.core.judge import prompt
from verif.errors import RecipeError
from verif.types import Instruction, Response, SoftConstraint

INSTRUCTION = Instruction(
    id="1",
    prompt="Describe the harbour.",
    constraints=(SoftConstraint(text="Be formal."), SoftConstraint(text="Be sad.")),
)
TEMPLATES = ["local", "joint-en", "joint-zh", "each-en", "each-zh"]
MARKUP = re.compile(r"<[|｜]|[|｜]>|</?think>|\[/?INST\]|<<SYS>>", re.IGNORECASE)


@pytest.mark.parametrize("template", TEMPLATES)
def test_response_stands_between_its_markers_after_the_shared_part(template: str) -> None:
    turns = prompt.render(template, INSTRUCTION, [0, 1], "A grey\nmorning.", "0badcafe")
    last = turns[-1]["content"]
    before, inside, after = last.split("0badcafe")[0], last, last.rsplit("0badcafe", 1)[1]
    assert turns[-1]["role"] == "user"
    # the small local judge reads small letters, and the constraints alone
    response = "a grey\nmorning." if template == "local" else "A grey\nmorning."
    assert response in inside
    assert response not in before + after
    assert "Be formal." in before
    if template != "local":
        assert "Describe the harbour." in before


@pytest.mark.parametrize("template", TEMPLATES)
def test_rollouts_of_one_instruction_share_the_prefix_up_to_the_marker(template: str) -> None:
    one = prompt.render(template, INSTRUCTION, [0], "First.", "11111111")[-1]["content"]
    two = prompt.render(template, INSTRUCTION, [0], "Second.", "22222222")[-1]["content"]
    assert one.split("11111111")[0] == two.split("22222222")[0]


def test_each_prompt_asks_for_one_constraint_only() -> None:
    text = prompt.render("each-en", INSTRUCTION, [1], "x", "00000000")[-1]["content"]
    assert "Be sad." in text
    assert "Be formal." not in text


@given(st.text(alphabet=st.sampled_from("<>|｜/ \nthinkINST[]SYs_ima"), max_size=200))
def test_no_chat_or_reasoning_markup_survives(text: str) -> None:
    assert not MARKUP.search(prompt.harmless(text))


@given(st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=100))
def test_anything_can_be_rendered_and_sent(text: str) -> None:
    turns = prompt.render("joint-en", INSTRUCTION, [0], text, "00000000")
    turns[-1]["content"].encode("utf-8")


def test_ordinary_text_is_left_alone() -> None:
    text = 'if a < b | c > d: <b>bold</b> [1] {"verdict": "pass"}'
    assert prompt.harmless(text) == text


def test_jinja_in_a_response_is_text() -> None:
    text = prompt.render("joint-en", INSTRUCTION, [0], "{{ 7*7 }}{% raw %}", "00000000")[-1]["content"]
    assert "{{ 7*7 }}{% raw %}" in text


def test_marker_depends_on_key_and_content_only() -> None:
    same = INSTRUCTION.model_copy(update={"id": "2", "meta": {"truth": True}})
    one = prompt.marker(b"k", INSTRUCTION, Response(text="x"))
    assert re.fullmatch("[0-9a-f]{8}", one)
    assert prompt.marker(b"k", same, Response(text="x")) == one
    assert prompt.marker(b"other", INSTRUCTION, Response(text="x")) != one
    assert prompt.marker(b"k", INSTRUCTION, Response(text="y")) != one


def test_unknown_prompt_names_the_known_ones() -> None:
    with pytest.raises(RecipeError, match="joint-en"):
        prompt.render("jont", INSTRUCTION, [0], "x", "00000000")
