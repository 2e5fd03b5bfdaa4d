"""A judge is hardened: what it learns, what it refuses to learn, and that a judge is whole or not there."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.core.judge.judge import Judge
from verif.data.splits import JudgePair
from verif.data.world.prepare import judge_pairs
from verif.errors import InputError, NoLessonError
from verif.recipe import ScratchModel
from verif.system.files import digest_tree
from verif.types import Status

pytest.importorskip("torch")
pytest.importorskip("transformers")

from verif.training.tiny import asking
from verif.training.tiny import harden as hardening
from verif.training.tiny.asking import TinyClient
from verif.training.tiny.harden import harden, new_lessons, rarer
from verif.training.tiny.judge_sft import train_judge

SMALL = ScratchModel(width=32, layers=1, heads=1, ffn=64, vocabulary=700, steps=10, batch=8)
LESSONS = judge_pairs(160, random.Random(1))
NEW = judge_pairs(24, random.Random(2))
ALL = list({(p.instruction.prompt, p.response): p for p in LESSONS}.values())


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "judge"
    train_judge(SMALL, "local", LESSONS, folder)
    return folder


@pytest.mark.slow
def test_a_hardened_judge_is_another_one_and_the_same_again(judge: Path, tmp_path: Path) -> None:
    before, known = digest_tree(judge), {"template": "local", "lessons": LESSONS, "contradicted": NEW}
    made = [harden(judge, tmp_path / name, steps=3, seed=1, **known) for name in ("a", "b")]
    assert digest_tree(judge) == before, "the judge that was fooled is kept as it is"
    assert made[0].digest == made[1].digest == digest_tree(tmp_path / "a") != before
    assert (made[0].new, made[0].steps) == (24, 3)
    assert made[0].replayed >= 24, "old lessons are never left out"


def test_a_judge_can_be_hardened_in_its_place(judge: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(judge, tmp_path / "judge")
    made = harden(
        tmp_path / "judge",
        tmp_path / "judge",
        template="local",
        lessons=LESSONS,
        contradicted=NEW,
        steps=2,
        seed=1,
    )
    assert digest_tree(tmp_path / "judge") == made.digest
    assert [path.name for path in tmp_path.iterdir()] == ["judge"]


def test_a_hardening_that_dies_leaves_nothing_half_written(
    judge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(hardening.tok, "save", die)
    with pytest.raises(OSError, match="No space"):
        harden(judge, tmp_path / "out", template="local", lessons=LESSONS, contradicted=NEW, steps=1, seed=1)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.integers(0, 39), max_size=60), st.integers(0, 20))
def test_only_what_is_new_is_a_lesson_and_each_is_one_once(shown: list[int], taught: int) -> None:
    pairs = list({(p.instruction.prompt, p.response): p for p in LESSONS}.values())
    learnt = new_lessons(pairs[:taught], [pairs[n] for n in shown])
    assert learnt == [pairs[n] for n in dict.fromkeys(shown) if n >= taught]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 99))
def test_beside_what_is_new_stands_as_much_of_the_other_label(right: int, wrong: int, seed: int) -> None:
    true = [pair for pair in ALL if pair.followed][:right]
    false = [pair for pair in ALL if not pair.followed][:wrong]
    beside = rarer([*true, *false], ALL, random.Random(seed))
    assert all(pair.followed is (len(true) < len(false)) for pair in beside)
    new = {(pair.instruction.prompt, pair.response) for pair in [*true, *false]}
    assert not new & {(pair.instruction.prompt, pair.response) for pair in beside}
    enough = sum(pair.followed is (len(true) < len(false)) for pair in ALL) - min(len(true), len(false))
    assert len(beside) == min(abs(len(true) - len(false)), enough)
    assert beside == rarer([*true, *false], ALL, random.Random(seed))


def test_what_stands_beside_is_about_the_same_instructions_first() -> None:
    true = [pair for pair in ALL if pair.followed]
    false = replace(next(pair for pair in ALL if not pair.followed), instruction=true[-1].instruction)
    assert rarer([false], true, random.Random(1)) == [true[-1]]


def test_nothing_new_stops_with_the_reason(judge: Path, tmp_path: Path) -> None:
    with pytest.raises(NoLessonError, match="none of the 9 contradicted responses is new"):
        harden(
            judge,
            tmp_path / "out",
            template="local",
            lessons=LESSONS,
            contradicted=LESSONS[:9],
            steps=1,
            seed=1,
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("where", ["among the new ones", "against an old one"])
def test_labels_that_contradict_one_another_name_the_row(where: str) -> None:
    wrong: JudgePair = replace(LESSONS[3], followed=not LESSONS[3].followed)
    old, new = (LESSONS, [NEW[0], wrong]) if where == "against an old one" else ([], [LESSONS[3], wrong])
    with pytest.raises(InputError, match=r"lessons, row 2, field 'followed': .* is labelled") as error:
        new_lessons(old, new)
    assert "Nothing was learnt" in error.value.hint


def test_a_judge_in_this_process_answers_whatever_is_asked_together(judge: Path) -> None:
    client = TinyClient(judge, tokens=8)

    async def ask() -> list[str]:
        turns = [[{"role": "user", "content": f"question {n}"}] for n in range(asking.BATCH + 3)]
        return [answer.text for answer in await asyncio.gather(*(client.judge(turn) for turn in turns))]

    together = asyncio.run(ask())
    assert len(together) == asking.BATCH + 3
    assert together == asyncio.run(ask())


def test_what_it_cannot_read_is_an_error_and_no_verdict(judge: Path) -> None:
    item = next(p.instruction for p in LESSONS if any(c.kind == "soft" for c in p.instruction.constraints))
    soft = [i for i, c in enumerate(item.constraints) if c.kind == "soft"]
    asked = Judge(TinyClient(judge, tokens=2), template="local", model_digest="x", parameters={})
    verdict = asyncio.run(asked.ask(item, "The boat is old and small.", soft))
    assert verdict.status is Status.ERROR


def test_a_model_that_breaks_tells_everybody_who_waits(judge: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> list[str]:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(asking, "sample", broken)

    async def ask() -> list[object]:
        client = TinyClient(judge)
        turns = [[{"role": "user", "content": str(n)}] for n in range(3)]
        return await asyncio.gather(*(client.judge(turn) for turn in turns), return_exceptions=True)

    assert [str(error) for error in asyncio.run(ask())] == ["out of memory"] * 3
