"""Two labellers compared, and what they agree on as rows that the audit reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.labelled_rows import ROWS, labelled, rows_file, to_label

from verif.audit.cases import from_golden
from verif.audit.labels import labels as audit_labels
from verif.cli.app import main
from verif.data.labelled import read_labelled
from verif.errors import InputError
from verif.pipeline.labelling.agreement import compare
from verif.pipeline.labelling.export import export
from verif.pipeline.labelling.labels import read_labels
from verif.pipeline.labelling.questions import ToLabel
from verif.recipe import LABELLED, parse_recipe


def many(folder: Path, count: int = 50) -> ToLabel:
    return to_label(
        rows_file(folder, [{**ROWS[2], "id": str(n), "prompt": f"Sea {n}."} for n in range(count)])
    )


def test_kappa_is_cohen_s(tmp_path: Path) -> None:
    """20 both yes, 5 and 10 apart, 15 both no: 0.7 agree, 0.5 by chance, so 0.4 (worked by hand)."""
    asked = many(tmp_path)
    labelled(tmp_path / "l", asked, "anna", *["pass"] * 25, *["fail"] * 25)
    labelled(tmp_path / "l", asked, "ben", *["pass"] * 20, *["fail"] * 5, *["pass"] * 10, *["fail"] * 15)
    (pair,) = compare(asked.questions(), read_labels(tmp_path / "l"))
    assert pair.share.value == pytest.approx(0.7)
    kappa = pair.kappa
    assert kappa is not None
    assert kappa.value == pytest.approx(0.4)
    assert 0.1 < kappa.low < 0.4 < kappa.high < 0.7
    assert len(pair.differ) == 15


def test_perfect_agreement_is_not_certain_and_one_word_alone_says_nothing(tmp_path: Path) -> None:
    asked = many(tmp_path, 40)
    for name in ("anna", "ben"):
        labelled(tmp_path / "l", asked, name, *["pass", "fail"] * 20)
        labelled(tmp_path / "same", asked, name, *["pass"] * 40)
    (pair,) = compare(asked.questions(), read_labels(tmp_path / "l"))
    assert pair.kappa is not None
    assert (pair.kappa.value, pair.kappa.high) == (1.0, 1.0)
    assert 0.7 < pair.kappa.low < 0.95
    (same,) = compare(asked.questions(), read_labels(tmp_path / "same"))
    assert same.kappa is None


def test_only_shared_decisions_count_and_every_two_are_compared(tmp_path: Path) -> None:
    asked = many(tmp_path, 4)
    labelled(tmp_path / "l", asked, "anna", "pass", "unknown", "pass", "")
    labelled(tmp_path / "l", asked, "ben", "fail", "pass", "", "pass")
    labelled(tmp_path / "l", asked, "cem", "", "", "", "pass")
    first, second, third = compare(asked.questions(), read_labels(tmp_path / "l"))
    assert (first.names, len(first.alike), first.unsaid) == (("anna", "ben"), 1, 1)
    assert (second.names, len(second.alike)) == (("anna", "cem"), 0)
    assert second.kappa is None
    assert third.names == ("ben", "cem")


def test_the_export_is_what_the_audit_reads(tmp_path: Path) -> None:
    asked = to_label(rows_file(tmp_path, [*ROWS, {**ROWS[2], "response": "So what."}]))
    labelled(tmp_path / "l", asked, "anna", "pass", "pass", "fail", "pass", "unknown", "fail")
    labelled(tmp_path / "l", asked, "ben", "pass", "fail", "fail", "", "pass", "")
    out = tmp_path / LABELLED / "mine.jsonl"
    told = export(asked, read_labels(tmp_path / "l"), out)
    items = read_labelled(out)
    assert [(i.instruction.id, i.response, i.truth) for i in items] == [
        ("boat", "A blue boat.", [True, None, None]),
        ("boat", "A boat!", [False, None, True]),
        ("sea", "So what.", [False]),
    ]
    assert (told.rows, told.undecided, told.differ, told.unsaid, told.single) == (3, 1, 1, 1, 2)
    assert [case.soft for case in from_golden(items)] == [None, False, False]
    data = {
        "kind": "verinstruct",
        "validation": 2,
        "test": 2,
        "golden": 2,
        "labelled": f"{LABELLED}/mine.jsonl",
    }
    recipe = parse_recipe(
        {"name": "t", "data": data, "policy": {"kind": "scratch"}, "judge": {"kind": "scratch"}}, "t"
    )
    counted = audit_labels(recipe, tmp_path)
    assert counted is not None
    assert "3 responses, 0 keep all soft constraints, 2 do not" in counted[1]
    assert (told.kept, told.failed) == (0, 2), "counted as the audit counts"


def test_an_answer_is_exported_whole_and_hostile_text_comes_back_as_it_was(tmp_path: Path) -> None:
    nasty = '<think>x</think></script>\u202e\ud800 "truth": [true]\n\x00'
    asked = to_label(rows_file(tmp_path, [{**ROWS[2], "response": nasty}]), hard=True)
    labelled(tmp_path / "l", asked, "anna", "fail")
    export(asked, read_labels(tmp_path / "l"), tmp_path / "out.jsonl")
    (item,) = read_labelled(tmp_path / "out.jsonl")
    assert (item.response, item.truth) == (nasty, [False])


def test_without_labels_nothing_is_written(tmp_path: Path) -> None:
    asked = many(tmp_path, 2)
    (tmp_path / "out.jsonl").write_text("before")
    with pytest.raises(InputError, match="nothing is labelled yet"):
        export(asked, read_labels(tmp_path / "none"), tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == "before"


def test_the_command_tells_progress_agreement_and_what_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = rows_file(tmp_path)
    asked, folder = to_label(path), tmp_path / "rows.jsonl.labels"
    labelled(folder, asked, "anna", "pass", "pass", "fail", "fail", "pass")
    labelled(folder, asked, "ben", "pass", "fail", "fail", "fail", "unknown")
    with pytest.raises(SystemExit) as ended:
        main(["label", str(path), "--export", str(tmp_path / "out.jsonl")])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "anna: 5 of 5 questions" in said
    assert "anna and ben: agreement 0.75 [" in said
    assert "Cohen's kappa 0.50 [" in said
    assert "they differ: boat, constraint 3: Name a colour." in said
    assert "out.jsonl: 2 responses" in said
    assert len(read_labelled(tmp_path / "out.jsonl")) == 2


def test_rows_that_changed_keep_their_labels_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = rows_file(tmp_path)
    labelled(tmp_path / "rows.jsonl.labels", to_label(path), "anna", "pass", "pass")
    rows_file(tmp_path, ROWS[2:])
    with pytest.raises(SystemExit):
        main(["label", str(path)])
    assert "anna: 0 of 1 questions; 2 of the labels belong to no question" in capsys.readouterr().out
