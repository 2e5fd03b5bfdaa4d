"""`verif score`, `verif explain` and `verify`, as a user meets them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from verif.cli.app import app
from verif.core.reasoning import plain
from verif.core.rows import Where, row
from verif.core.score import Scored, line, score
from verif.core.summary import Summary
from verif.errors import InputError
from verif.types import RuleConstraint

ROW = {
    "key": 1,
    "prompt": "Describe the sea. No commas, two words.",
    "instruction_id_list": [
        "punctuation:no_comma",
        "length_constraints:number_words",
        "punctuation:no_comma",
    ],
    "kwargs": [{}, {"num_words": 2, "relation": "at least"}, {}],
}
CHECKED = {
    "id": "c",
    "prompt": "Describe the sea.",
    "checkers": ["[rule] Keyword: Say wave.", "[llm] Tone: Be calm."],
    "functions": ["def check_following(instruction, response):\n    return 'wave' in response\n", ""],
}


def run(*args: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app(args[0]), list(args[1:]), input=stdin)


def verdicts(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text("utf-8").splitlines()]


def jsonl(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(value) + "\n" for value in rows), "utf-8")
    return str(path)


def scored(raw: dict[str, Any], **options: Any) -> Scored:
    return next(iter(score([row(raw, Where("f", 1))], **options)))


@pytest.fixture(scope="module")
def schema(root: Path) -> dict[str, Any]:
    return json.loads((root / "docs" / "verdicts.schema.json").read_text("utf-8"))


def test_one_file_in_verdicts_and_table_out(tmp_path: Path, schema: dict[str, Any]) -> None:
    file = jsonl(
        tmp_path / "r.jsonl", ROW | {"response": "Deep, blue"}, ROW | {"key": 2, "response": "Deep blue"}
    )
    done = run("score", file, "--out", str(tmp_path / "out.jsonl"))
    assert done.exit_code == 0
    first, second = verdicts(tmp_path / "out.jsonl")
    jsonschema.validate(first, schema)
    assert first == {
        "id": "1",
        "prompt": ROW["prompt"],
        "response": "Deep, blue",
        "verdicts": [
            {
                "constraint": "punctuation:no_comma",
                "index": 0,
                "status": "fail",
                "reason": "1 commas",
                "evidence": {"commas": 1},
            },
            {
                "constraint": "length_constraints:number_words",
                "index": 1,
                "status": "pass",
                "reason": "2 words, at least 2 asked",
                "evidence": {"words": 2},
            },
            {
                "constraint": "punctuation:no_comma",
                "index": 2,
                "status": "fail",
                "reason": "1 commas",
                "evidence": {"commas": 1},
            },
        ],
        "all": False,
    }
    assert second["all"] is True
    table = done.stdout
    assert "punctuation:no_comma" in table
    assert (
        "[0.095, 0.905]" in table
    )  # Wilson, 1 of 2 and 2 of 4 responses: both modes of reading are in the table
    assert "2 responses" in done.stderr


def test_the_schema_is_valid_and_its_example_follows_it(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(schema["examples"][0], schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(schema["examples"][0] | {"all": "yes"}, schema)


def test_strict_and_loose(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "r.jsonl", ROW | {"response": "Sure, here:\nDeep blue"})
    for mode, followed in (("--strict", False), ("--loose", True)):
        run("score", file, mode, "--out", str(tmp_path / "out.jsonl"))
        assert verdicts(tmp_path / "out.jsonl")[0]["all"] is followed


def test_two_files_gzip_and_standard_input(tmp_path: Path) -> None:
    instructions = jsonl(tmp_path / "i.jsonl", ROW)
    answers = (json.dumps({"prompt": ROW["prompt"], "response": "Deep blue"}) + "\n").encode()
    out = tmp_path / "out.jsonl"
    (tmp_path / "r.gz").write_bytes(gzip.compress(answers))
    assert run("score", instructions, "--responses", str(tmp_path / "r.gz"), "--out", str(out)).exit_code == 0
    assert verdicts(out)[0]["all"] is True
    assert run("score", instructions, "--responses", "-", "--out", str(out), stdin=answers).exit_code == 0
    assert (
        run(
            "score", instructions, "--responses", "-", "--out", str(out), stdin=gzip.compress(answers)
        ).exit_code
        == 0
    )
    assert verdicts(out)[0]["all"] is True


def test_a_bad_line_stops_and_leaves_no_output(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "r.jsonl", ROW | {"response": "Deep blue"}, ROW | {"response": 3})
    out = tmp_path / "out.jsonl"
    done = run("score", file, "--out", str(out))
    assert isinstance(done.exception, InputError)
    assert (done.exception.row, done.exception.field) == (2, "response")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.jsonl"]


def test_skip_bad_reports_and_counts(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    (tmp_path / "r.jsonl").write_bytes(
        b"\n".join(
            [
                b"{",
                json.dumps(ROW | {"response": "Deep blue"}).encode(),
                json.dumps(ROW).encode(),
                json.dumps({"prompt": "p", "response": "r"}).encode(),
                b'{"prompt": "\xff"}',
            ]
        )
    )
    done = run("score", str(tmp_path / "r.jsonl"), "--skip-bad", "--out", str(out))
    assert done.exit_code == 0
    assert len(verdicts(out)) == 1
    assert "3 bad lines skipped" in done.stderr
    assert "1 of 2 instructions have a response" in done.stderr
    assert all(f"row {number}" in done.stderr for number in (1, 3, 4, 5))


def test_checkers_run_in_the_sandbox_and_soft_constraints_are_skipped(
    tmp_path: Path, schema: dict[str, Any]
) -> None:
    file = jsonl(
        tmp_path / "r.jsonl", *(CHECKED | {"response": text} for text in ("a wave", "calm", "", "wave " * 3))
    )
    out = tmp_path / "out.jsonl"
    assert run("score", file, "--out", str(out)).exit_code == 0
    found = verdicts(out)
    for item in found:
        jsonschema.validate(item, schema)
    assert [[v["status"] for v in item["verdicts"]] for item in found] == [
        ["pass", "skipped"],
        ["fail", "skipped"],
        ["unscorable", "unscorable"],
        ["pass", "skipped"],
    ]
    assert [item["all"] for item in found] == [None, False, False, None]


def test_explain_shows_each_constraint_with_its_evidence(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "r.jsonl", ROW | {"response": "x"}, ROW | {"response": "Deep, \x1b[31mblue"})
    done = run("explain", file, "--row", "2")
    assert done.exit_code == 0
    assert "punctuation:no_comma: strict fail, loose fail" in done.stdout
    assert "evidence: {'words': 2}" in done.stdout
    assert "num_words: 2" in done.stdout
    assert "\x1b[31m" not in done.stdout
    missing = run("explain", file, "--row", "3")
    assert isinstance(missing.exception, InputError)
    assert "no such row" in str(missing.exception)


def test_a_rule_that_breaks_is_an_error_and_not_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("verif.core.checks.check", broken)
    item = scored(ROW | {"response": "Deep blue"})
    assert {verdict.status for verdict in item.verdicts} == {"error"}
    assert item.followed is None
    summary = Summary()
    summary.add(item)
    assert summary.total()["error"] == 3


@given(st.text(st.characters() | st.sampled_from("\ud800\udfff\x00,. \u202e\u0301"), max_size=200))
@settings(deadline=None)
def test_any_response_gives_a_line_of_the_published_form(response: str) -> None:
    assume(plain(response))  # marks of reasoning have their own tests
    found = json.loads(line(scored(ROW | {"response": response})))
    assert found["response"] == response
    assert [verdict["index"] for verdict in found["verdicts"]] == [0, 1, 2]
    statuses = [verdict["status"] for verdict in found["verdicts"]]
    assert found["all"] is (statuses == ["pass"] * 3)
    due = "unscorable" if not response.strip() else "fail" if "," in response else "pass"
    assert statuses[0] == statuses[2] == due


def test_verify_in_three_lines() -> None:
    from verif import verify

    found = verify(
        "Describe the sea.", "Deep, blue", [RuleConstraint(text="No commas.", rule="punctuation:no_comma")]
    )
    assert found.followed(1) is False
