"""The published definitions, on outcomes small enough to count by hand."""

from __future__ import annotations

import json

import pytest

from verif.evaluation.benchmarks import conversations, followbench, ifeval
from verif.evaluation.case import VerdictRow
from verif.evaluation.scores import instruction_level, prompt_level
from verif.evaluation.stored import score_stored
from verif.evaluation.summary import families, paired, summarise, warnings


def rows(
    id: str, statuses: str, *, cluster: str = "", labels=None, model: str = "after", **more
) -> list[VerdictRow]:
    """One row per letter: p pass, f fail, u unscorable, e error, s skipped."""
    names = {"p": "pass", "f": "fail", "u": "unscorable", "e": "error", "s": "skipped"}
    return [
        VerdictRow(
            "b", model, "t1", id, cluster or id, index, "kind", "soft", "text", f"prompt {id}", more.get("response", "r"),
            True, 3, names[letter], "", "{}", "", "", more.get("variant", "strict"), json.dumps(labels or {}),
        )
        for index, letter in enumerate(statuses)
    ]  # fmt: skip


def test_prompt_and_instruction_level() -> None:
    found = [*rows("a", "pp"), *rows("b", "pf"), *rows("c", "u"), *rows("d", "pe"), *rows("e", "p")]
    prompt, single = prompt_level(found, 500, 0), instruction_level(found, 500, 0)
    assert (prompt.value, prompt.n) == (0.5, 4)  # d is unknown, c is the policy's fault
    assert (single.value, single.n) == (pytest.approx(5 / 7), 7)


def test_an_error_is_never_a_fail() -> None:
    assert prompt_level([*rows("a", "p"), *rows("b", "e")], 100, 0).value == 1.0


def test_followbench_hsr_ssr_csl() -> None:
    found = []
    for example, levels in {"x": ["p", "pp", "ppf", "pppp"], "y": ["f", "pp"]}.items():
        for level, statuses in enumerate(levels, 1):
            found += rows(f"{example}/{level}", statuses, cluster=example, labels={"level": level})
    scores = followbench.score([], found, 200, 0)
    assert scores["hsr_1"].value == 0.5
    assert scores["hsr_2"].value == 1.0
    assert scores["ssr_3"].value == pytest.approx(2 / 3)
    assert (
        scores["csl"].value == 1.0
    )  # x holds for two levels, y for none: level 4 after a gap does not count
    assert scores["csl"].n == 2


def test_followbench_macro_weighs_categories_alike() -> None:
    found = []
    for number in range(9):
        found += rows(f"s{number}/1", "p", cluster=f"s{number}", labels={"level": 1, "category": "style"})
    found += rows("f/1", "f", cluster="f", labels={"level": 1, "category": "format"})
    scores = followbench.score([], found, 200, 0)
    assert (scores["hsr"].value, scores["hsr_macro"].value, scores["hsr_1_macro"].value) == (0.9, 0.5, 0.5)
    assert (scores["hsr_style"].value, scores["ssr_format"].value) == (1.0, 0.0)
    assert (scores["csl"].value, scores["csl_macro"].value, scores["csl_style"].n) == (0.9, 0.5, 9)
    assert scores["hsr_macro"].low < 0.5 < scores["hsr_macro"].high


def test_followbench_unknown_level_leaves_the_example_out_of_csl() -> None:
    found = [
        *rows("x/1", "e", cluster="x", labels={"level": 1}),
        *rows("y/1", "p", cluster="y", labels={"level": 1}),
    ]
    assert followbench.score([], found, 200, 0)["csl"].n == 1


def test_sysbench_csr_isr_ssr() -> None:
    found = []
    for turn, statuses in enumerate(["pp", "pf", "pp"], 1):
        found += rows(f"c/{turn}", statuses, cluster="c", labels={"turn": turn, "turns": 3})
    scores = conversations.score_sysbench([], found, 200, 0)
    assert scores["csr"].value == pytest.approx((1 + 0.5 + 1) / 3)
    assert scores["isr"].value == pytest.approx(2 / 3)
    assert scores["ssr"].value == pytest.approx(1 / 3)  # the third turn comes after a gap


@pytest.mark.parametrize(
    ("primary", "statuses", "value"),
    [
        ([True, True], "pp", 1.0),
        ([True, False], "fp", 0.0),
        ([True, False, False], "ppf", 0.0),  # 0.5 + 0.5 x 0.5 = 0.75
        ([True, False, False, False], "pppf", 1.0),  # 0.5 + 0.5 x 2/3 = 0.83
        ([False, False], "pf", 0.0),
        ([False], "p", 1.0),
    ],
)
def test_cfbench_priorities(primary, statuses, value) -> None:
    scores = conversations.score_cfbench(
        [], rows("a", statuses, labels={"primary": primary, "split": "easy"}), 100, 0
    )
    assert scores["psr"].value == scores["psr_easy"].value == value


def test_multi_if_turn_is_the_mean_of_the_four_numbers() -> None:
    found = []
    for id, strict, loose in (("a", "pf", "pp"), ("b", "p", "p")):
        found += rows(f"{id}/1", strict, cluster=id, labels={"turn": 1})
        found += rows(f"{id}/1", loose, cluster=id, labels={"turn": 1}, variant="loose")
    score = ifeval.score_multi_if([], found, 200, 0)["turn_1"]
    assert score.value == pytest.approx((1 / 2 + 2 / 3 + 1 + 1) / 4)


def test_paired_compares_the_prompts_known_in_both() -> None:
    before = [*rows("a", "f"), *rows("b", "f"), *rows("c", "e"), *rows("d", "p")]
    after = [*rows("a", "p"), *rows("b", "f"), *rows("c", "p"), *rows("e", "p")]
    result = paired(before, after, 300, 0)
    assert (result.difference.value, result.difference.n) == (0.5, 2)
    types = families(before, after, 300, 0)
    assert types["kind"]["gain"]["n"] == 2
    assert types["kind"]["gain"]["p_holm"] >= types["kind"]["gain"]["p_value"]


def test_a_model_that_says_nothing_or_always_the_same_is_named() -> None:
    from verif.evaluation.benchmarks.world import TEST

    silent = [r for i in range(30) for r in rows(f"p{i}", "f", model="before", response=" ")]
    same = [r for i in range(30) for r in rows(f"p{i}", "p", model="after", response="Yes.")]
    numbers = summarise(TEST, [None] * 30, [*silent, *same], 100, 0)
    text = " ".join(warnings("b", numbers))
    assert "before model answers nothing to 100%" in text
    assert "after model gives 3% distinct answers" in text


@pytest.mark.slow
def test_ifeval_totals_of_the_published_responses(reference_data) -> None:
    """Loose is one above the published 430 and 712: there one verdict contradicts its own strict one."""
    folder = reference_data / "ifeval"
    found = score_stored(
        folder / "input_data.jsonl",
        folder / "input_response_data_gpt4_20231107_145030.jsonl",
        200,
        leave_out=True,
    )
    assert {name: cell[:2] for name, cell in found.items()} == {
        "prompt_strict": (417, 540), "instruction_strict": (697, 832),
        "prompt_loose": (431, 540), "instruction_loose": (713, 832),
    }  # fmt: skip


def test_verdicts_of_one_prompt_alone_leave_everything_open() -> None:
    before, after = rows("a", "pf", model="before"), rows("a", "pp")
    for first, second in ((before, after), (after, rows("a", "fp"))):
        (found,) = families(first, second, 300, 0).values()
        for cell, least in (("before", 0), ("after", 0), ("gain", -1)):
            assert least <= found[cell]["low"] <= found[cell]["value"] <= found[cell]["high"] <= 1
    assert (found["gain"]["low"], found["gain"]["high"]) == (-1, 1)
