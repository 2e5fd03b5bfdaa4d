"""Preference pairs: ties and errors are counted and never shared out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
from support.bad_judge import serving
from support.harness import recipe
from support.stand_ins import StandIn, always

from verif.audit.pairs import load, measure
from verif.cli.audit import _pairs
from verif.errors import InputError, JudgeError
from verif.types import Instruction, Preference, Response, Status


def exchange(prompt: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]


def row(n: int, chosen: str, rejected: str) -> dict[str, object]:
    pair = {"text_chosen": exchange("p", chosen), "text_rejected": exchange("p", rejected)}
    return pair | {"id": n, "domain": "level-2" if n % 2 else "level-3"}


def test_the_public_pairs_load(reference_data: Path) -> None:
    pairs = load(reference_data / "ifbench_rm" / "pairs_222.json")
    assert len(pairs) == 222
    assert all(len(p.instruction.constraints) == 1 and p.chosen != p.rejected for p in pairs)


async def test_right_wrong_ties_and_errors(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    rows = [row(1, "good", "bad"), row(2, "bad", "good"), row(3, "good", "good 2"), row(4, "broken", "bad")]
    path.write_bytes(orjson.dumps(rows))

    def judge(instruction: Instruction, text: str) -> Status:
        if text == "broken":
            return Status.ERROR
        return Status.PASS if text.startswith("good") else Status.FAIL

    found = await measure(StandIn(judge, "soft-only"), load(path), "soft-only", reasoning="auto")
    total = found["all"]
    assert (total.right, total.wrong, total.ties, total.errors) == (1, 1, 1, 1)
    assert total.accuracy.value == pytest.approx(1 / 3)
    assert total.without_ties.value == 0.5
    assert (found["level-2"].right, found["level-2"].ties, found["level-3"].wrong) == (1, 1, 1)


async def test_a_judge_that_says_one_thing_only_ties_everywhere(reference_data: Path) -> None:
    pairs = load(reference_data / "ifbench_rm" / "pairs_222.json")
    judge = StandIn(always(Status.PASS), "soft-only")
    found = (await measure(judge, pairs, "soft-only", reasoning="auto"))["all"]
    assert (found.right, found.wrong, found.ties) == (0, 0, 222)
    assert found.accuracy.value == 0.0


def test_an_audit_of_a_policy_that_thinks_hears_its_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent without a reasoning block, every response would be unscorable, and all pairs ties."""
    from verif.audit import run
    from verif.core.verifier import Verifier
    from verif.project import Stage
    from verif.service import client

    class InProcess:
        def __init__(self, url: str) -> None:
            self.verifier = Verifier(formula="hard-only", reasoning="think")

        async def __aenter__(self) -> Verifier:
            return self.verifier

        async def __aexit__(self, *_: object) -> None:
            await self.verifier.close()

    async def nothing(*_: object) -> SimpleNamespace:
        return SimpleNamespace(notes=[])

    rule = {"kind": "rule", "text": "No commas.", "rule": "punctuation:no_comma"}
    rows = [
        {
            "instruction": {"id": f"{n}", "prompt": "p", "constraints": [rule]},
            "chosen": {"text": "A boat."},
            "rejected": {"text": "A boat, old."},
        }
        for n in range(10)
    ]
    path = tmp_path / "recipes" / "labelled" / "pairs.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    monkeypatch.setattr(client, "VerifierClient", InProcess)
    monkeypatch.setattr(run, "measure", nothing)
    monkeypatch.setattr(run, "golden_cases", lambda folder: [])
    monkeypatch.setattr(run, "conclude", lambda found, *_: found)
    chosen = recipe("hard-only", judge="none", reasoning="think", pairs="recipes/labelled/pairs.jsonl")
    found = run.audit(Stage(tmp_path, chosen, tmp_path), SimpleNamespace(url="", identity="v"))
    assert (found.pairs["all"].right, found.pairs["all"].ties) == (10, 0)


def test_verifs_own_form(tmp_path: Path) -> None:
    pair = Preference(
        instruction=Instruction(id="1", prompt="p"), chosen=Response(text="a"), rejected=Response(text="b")
    )
    path = tmp_path / "pairs.jsonl"
    path.write_text(pair.model_dump_json() + "\n", "utf-8")
    (back,) = load(path)
    assert back.chosen.text == "a"
    assert back.instruction.constraints, "without constraints the whole prompt is judged"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no pairs"),
        (b"[]", "no pairs"),
        (b"[{", "not JSON"),
        (b"[1]", "row 1"),
        (b'[{"text_chosen": "x", "text_rejected": []}]', "field 'text_chosen'"),
        (orjson.dumps([row(1, "a", "b") | {"text_rejected": exchange("q", "b")}]), "different prompts"),
        (b'{"instruction": {}, "chosen": {"text": "a"}, "rejected": {"text": "b"}}', "field 'instruction"),
    ],
)
def test_bad_files_say_where(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "pairs.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json"):
        load(tmp_path / "none.json")


@pytest.mark.slow
def test_one_command_for_a_judge_anywhere(reference_data: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "pairs.out.json"
    source = reference_data / "ifbench_rm" / "pairs_222.json"
    with serving('fine</think>{"verdict":"pass","reason":"fine"}') as url:
        _pairs(source, url, "judge", "joint-en", 64, 20.0, 12, out)
    found = orjson.loads(out.read_bytes())
    assert found["all"]["ties"] == 12
    assert found["all"]["errors"] == 0
    assert "12 pairs of pairs_222.json" in capsys.readouterr().out


@pytest.mark.slow
def test_a_judge_that_never_answers_is_an_error_not_a_score(reference_data: Path, tmp_path: Path) -> None:
    source = reference_data / "ifbench_rm" / "pairs_222.json"
    with serving("I would rather not say.") as url, pytest.raises(JudgeError, match="not one pair"):
        _pairs(source, url, "judge", "joint-en", 64, 20.0, 4, None)


@pytest.mark.slow
def test_a_judge_that_answers_in_a_code_fence_is_told_so(
    reference_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = reference_data / "ifbench_rm" / "pairs_222.json"
    fenced = 'fine</think>```json\n{"verdict":"pass"}\n```'
    with (
        serving(fenced) as url,
        pytest.raises(JudgeError, match="8 x the judge put its answer into a code fence"),
    ):
        _pairs(source, url, "judge", "joint-en", 64, 20.0, 4, None)
