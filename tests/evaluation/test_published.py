"""From a file in a benchmark's published form to its scores: rows written here, answers and a judge we control."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from verif.errors import InputError
from verif.evaluation import catalog
from verif.evaluation.benchmarks import references
from verif.evaluation.case import Generation, VerdictRow
from verif.evaluation.run import Suite, judge_all
from verif.types import Item, Reward, Status, Verdict, Verification


class Contains:
    """A judge that passes a soft constraint whose quoted last word stands in the response."""

    asked = 0

    async def verify(self, items: Sequence[Item], **_: bool) -> AsyncIterator[Verification]:
        for item in items:
            self.asked += 1
            verdicts = tuple(
                Verdict(
                    status=Status.PASS if _word(c.text) in item.response.text else Status.FAIL,
                    covers=(index,),
                )
                for index, c in enumerate(item.instruction.constraints)
            )
            yield Verification(
                id=item.id, verdicts=verdicts, reward=Reward(value=0.0, state="scored", formula="average")
            )


def _word(text: str) -> str:
    return text.rstrip("'. ").split()[-1]


def scores(path: Path, name: str, answer) -> tuple[dict[str, float], list[VerdictRow], Contains]:
    """Load, answer every case, judge, score."""
    benchmark, judge = catalog.get(name), Contains()
    cases = benchmark.load(path)
    answers = {case.id: Generation(answer(case)) for case in cases}

    @contextmanager
    def opened() -> Iterator[tuple[Contains, str]]:
        yield judge, "judge"

    rows = judge_all([Suite(benchmark, tuple(cases))], {(name, "after", "greedy"): answers}, opened)
    found = benchmark.score(cases, rows, 100, 0)
    return {key: cell.value for key, cell in found.items()}, rows, judge


def written(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    return path


def example_rows(template: str, answer: str) -> list[dict[str, object]]:
    """Five levels of an example-type instruction, as example_constraints.json has them."""
    return [
        {
            "example_id": 1, "category": "example", "source": "ours", "level": level, "target": template, "answer": answer,
            "instruction": "Is a whale a fish?\nBOT: No\n\nIs a pike a fish?",
        }
        for level in range(1, 6)
    ]  # fmt: skip


def test_followbench_examples_are_decided_by_their_form(tmp_path: Path) -> None:
    path = written(
        tmp_path / "example_constraints.json", example_rows("{instruction}\nBOT: {answer}", "BOT: Yes")
    )
    found, rows, judge = scores(path, "followbench", lambda c: "BOT: Yes" if c.labels["level"] < 4 else "Yes")
    assert judge.asked == 0
    assert [row.status for row in rows] == ["pass"] * 3 + ["fail"] * 2
    assert (found["hsr_3"], found["hsr_4"], found["csl"], found["hsr"]) == (1.0, 0.0, 3.0, 0.6)


def test_a_form_in_braces_and_a_form_without_its_hole(tmp_path: Path) -> None:
    rows = example_rows("{instruction}\n{{'bot': '{answer}'}}", "{'bot': 'Yes'}")
    path = written(tmp_path / "example_constraints.json", rows)
    assert scores(path, "followbench", lambda c: "{'bot': 'No'}")[0]["hsr"] == 1.0
    assert scores(path, "followbench", lambda c: "{'bot': 'No'} I think.")[0]["hsr"] == 0.0
    rows[2]["target"] = "{instruction}\nBOT"
    with pytest.raises(InputError, match=r"row 3, field 'target': the form has no \{answer\}"):
        catalog.get("followbench").load(written(path, rows))


@pytest.mark.parametrize(
    ("source", "target", "good", "bad"),
    [
        ("E2E", "name[The Mill]", "name[The Mill]", "name[The Mill]."),
        ("text_editing", "a b", "a b", "b a"),
        ("WIKIEVENTS", "one\ntwo", "two", "two\nthree"),
        ("CONLL2003", "['Rome', 'Oslo']", "Oslo", "Rome and Oslo"),
        ("self_made_space", "3rd floor", "It is the 3rd floor.", "It is the 4th floor."),
        ("BBH_logical", "(B)", "Not (A), so (B).", "(B), or rather (C)"),
        ("BBH_time", "01/02/1999", "It was 01/02/1999.", "It was 1 February 1999."),
        ("gsm_8k", "$28", "$4 times 7 is $28", "28 dollars"),
    ],
)
def test_followbench_answers_decide_where_the_paper_has_them(
    tmp_path: Path, source, target, good, bad
) -> None:
    rows = [
        {"example_id": 3, "category": "situation", "source": source, "level": n, "instruction": f"do {n}", "target": target}
        for n in range(6)
    ]  # fmt: skip
    path = written(tmp_path / "situation_constraints.json", rows)
    found, _, judge = scores(path, "followbench", lambda c: good if c.labels["level"] <= 2 else bad)
    assert judge.asked == 0
    assert (found["csl"], found["hsr"], found["ssr"]) == (2.0, 0.4, 0.4)


def test_followbench_steps_go_to_the_judge(tmp_path: Path) -> None:
    words = ["any", "red", "blue", "green", "white", "black"]
    rows = [
        {"example_id": 9, "category": "style", "source": "quora", "level": n, "instruction": f"write {words[n]}", "target": ""}
        for n in range(6)
    ]  # fmt: skip
    path = written(tmp_path / "style_constraints.json", rows)
    found, _, judge = scores(path, "followbench", lambda c: "red blue")
    assert judge.asked == 5
    assert (found["hsr"], found["csl"]) == (0.4, 2.0)
    assert found["ssr"] == pytest.approx((1 + 1 + 2 / 3 + 2 / 4 + 2 / 5) / 5)


def test_multi_if_from_file_to_turns(tmp_path: Path) -> None:
    row: dict[str, object] = {"key": "a", "language": "English"}
    for turn, ids in enumerate(
        (["punctuation:no_comma"], ["punctuation:no_comma", "change_case:english_lowercase"]), 1
    ):
        row[f"turn_{turn}_prompt"] = json.dumps({"role": "user", "content": f"turn {turn}"})
        row[f"turn_{turn}_instruction_id_list"] = json.dumps(ids)
        row[f"turn_{turn}_kwargs"] = json.dumps(["{}"] * len(ids))
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps(row))
    found, rows, judge = scores(path, "multi-if", lambda c: "The Sea")
    assert judge.asked == 0
    assert found["turn_1"] == 1.0
    assert found["turn_2"] == pytest.approx((0 + 1 / 2 + 0 + 1 / 2) / 4)
    assert {r.variant for r in rows} == {"strict", "loose"}


def test_multi_if_counts_chinese_characters_and_sentences(tmp_path: Path) -> None:
    """IFEval's rules see two words and one sentence here."""
    ids = ["length_constraints:number_words", "length_constraints:number_sentences"]
    asked = [{"relation": "at least", "num_words": 20}, {"relation": "at least", "num_sentences": 2}]
    row = {
        "key": "a",
        "language": "Chinese",
        "turn_1_prompt": json.dumps({"role": "user", "content": "介绍这个城市"}),
        "turn_1_instruction_id_list": json.dumps(ids),
        "turn_1_kwargs": json.dumps([json.dumps(each) for each in asked]),
    }
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps(row))
    found, rows, _ = scores(path, "multi-if", lambda c: "这个城市的历史非常悠久。很多游客都喜欢来这里旅游。")
    assert found["turn_1"] == 1.0
    assert {r.constraint for r in rows if "words" in r.constraint} == {
        f"{ids[0]}(relation=at least, num_words=20)"
    }


def test_sysbench_from_file_to_scores(tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "Say yes."}]
    infos = {}
    for turn, words in enumerate((["yes"], ["yes", "no"], ["yes"]), 1):
        messages += [{"role": "user", "content": f"q{turn}"}, {"role": "assistant", "content": ""}]
        criteria = {
            str(n): {"criteria_content": f"says {word}", "criteria_type": "content"}
            for n, word in enumerate(words, 1)
        }
        infos[f"q{turn}"] = {"criteria": criteria}
    path = written(tmp_path / "s.json", [{"system_id": 7, "messages": messages, "prompt_infos": infos}])
    found, rows, _ = scores(path, "sysbench", lambda c: "yes")
    assert [row.family for row in rows] == ["soft:content"] * 4
    assert found["csr"] == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert (found["isr"], found["ssr"]) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_cfbench_from_file_to_scores(tmp_path: Path) -> None:
    rows = [
        {"idx": 1, "prompt": "p", "split": "easy", "criteria": [["has red", "主需", "内容"], ["has blue", "次需", "内容"]]},
        {"idx": 2, "prompt": "q", "split": "hard", "criteria": [["has blue", "主需", "内容"], ["has red", "次需", "内容"]]},
    ]  # fmt: skip
    found, _, _ = scores(
        written(tmp_path / "c.json", rows), "cfbench", lambda c: "red" if c.id == "2" else "red blue"
    )
    assert (found["csr"], found["isr"], found["psr"]) == (0.75, 0.5, 0.5)
    assert (found["psr_easy"], found["psr_hard"]) == (1.0, 0.0)


def test_every_public_followbench_reference_meets_itself(reference_data: Path) -> None:
    """But for answers over several lines, which the published form check refuses."""
    folder = reference_data / "followbench"
    refused = 0
    for row in json.loads((folder / "example_constraints.json").read_text("utf-8")):
        template = row["target"].removeprefix("{instruction}\n")
        met = references.decide("form", template, row["answer"])
        assert met or row["answer"].count("\n") > template.count("\n"), row["example_id"]
        refused += not met
    assert 0 < refused < 40
    decided = [
        c
        for p in folder.glob("*.json")
        for c in catalog.get("followbench").load(p)
        if "reference" in c.labels
    ]
    assert len(decided) == 200 + 115


@pytest.mark.slow
def test_lm_eval_knows_the_tasks_of_every_recipe(root: Path) -> None:
    from verif.evaluation.general import check_tasks

    tasks: set[str] = set()
    for path in (root / "recipes").glob("*.yaml"):
        tasks.update(yaml.safe_load(path.read_text()).get("evaluate", {}).get("general_tasks", []))
    assert {"gsm8k", "mmlu_pro", "bbh", "drop"} <= tasks
    check_tasks(sorted(tasks), root)
