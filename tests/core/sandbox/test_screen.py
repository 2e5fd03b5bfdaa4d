# ruff: noqa: E501
import json
import random
from pathlib import Path

import orjson
import pytest

from verif.core.row_files import read_rows
from verif.core.sandbox.sandbox import Sandbox
from verif.data.screening import claims
from verif.data.screening.claims import (
    NamedKeywords,
    ParagraphSentences,
    SentenceWords,
    Without,
    WordCount,
    WordLetters,
)
from verif.data.screening.order import order_sensitive
from verif.data.screening.repair import apply, by_row, without
from verif.data.screening.screen import Finding, screen
from verif.data.screening.truth import holds
from verif.errors import InputError
from verif.types import CheckerConstraint, Instruction, SoftConstraint, Status

HEAD = "import re\ndef check_following(instruction, response):\n    "
SENTENCES = r"re.split(r'(?<=[.!?])\s+', response.strip())"
FAR = 10**6


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("The reply must be at least 300 words long.", WordCount(300, FAR)),
        ("Answer with at most 40 words.", WordCount(0, 40)),
        ("Keep it to no more than 1,000 words.", WordCount(0, 1000)),
        ("Keep your response between 20 and 40 words.", WordCount(20, 40)),
        ("Aim for approximately 300 words in your answer.", WordCount(270, 330, 300)),
        ("Keep each sentence under 35 words.", SentenceWords(35)),
        ("Cap the word count at 50 per sentence.", SentenceWords(50)),
        ("Set a cap of 2 sentences for each paragraph.", ParagraphSentences(2)),
        ("No word in the answer should fall below 15 characters in length.", WordLetters(15)),
        ('Include the keywords "fork bomb", "crash" in your answer.', NamedKeywords(("fork bomb", "crash"))),
        ("Avoid the use of colons in your response.", Without(":")),
        ("Could you make sure that your response is free of any commas?", Without(",")),
    ],
)
def test_texts_that_are_understood(text: str, claim: object) -> None:
    assert claims.read(text) == claim


@pytest.mark.parametrize(
    "text",
    [
        "Keep a formal tone.", "Use at least 3 bullet points of 20 words each.", "Include 3 words that start with b.",
        'Do not use the words "cheap", "easy".', "Use a comma-separated list without any symbols.",
        "Use at least 2 sentences.", "Write 3 paragraphs.", "Each sentence needs at least 5 words.",
        "The first line has at most 5 words.", "Avoid commas and colons.", "Between 5 and 3 words.", "", "0 words at most.",
        'Include the word "tea" at least 3 times.', "Do not write fewer than 5 sentences or more than 10 words.",
    ],
)  # fmt: skip
def test_a_text_with_room_for_doubt_claims_nothing(text: str) -> None:
    assert claims.read(text) is None


SOUND = [
    ("The reply must be at least 30 words long.", HEAD + "return len(response.split()) >= 30"),
    ("Keep your response between 20 and 40 words.", HEAD + "return 20 <= len(response.split()) <= 40"),
    ("Aim for approximately 300 words.", HEAD + "return abs(len(response.split()) - 300) <= 10"),
    ("Aim for approximately 300 words.", HEAD + "return 250 <= len(response.split()) <= 350"),
    ("Keep each sentence under 35 words.", HEAD + f"return all(len(s.split()) <= 35 for s in {SENTENCES})"),
    ("Keep each sentence under 35 words.", HEAD + f"return all(len(s.split()) < 35 for s in {SENTENCES})"),
    ('Include the keywords "data", "big data" in your answer.', HEAD + "return 'data' in response.lower() and 'big data' in response.lower()"),
    ('Include the keywords "C++", "a.b" in your answer.', HEAD + "return 'c++' in response.lower() and 'a.b' in response.lower()"),
    ("Avoid the use of colons.", HEAD + "return ':' not in response"),
    ("No more than 3 sentences in each paragraph.", HEAD + r"return all(len(re.split(r'(?<=[.!?])\s+', p.strip())) <= 3 for p in re.split(r'\n\s*\n', response))"),
    ("Keep a formal tone.", HEAD + "return True if response else True"),
    ("Mention tea.", HEAD + "return 'tea' in response"),
]  # fmt: skip

DEFECTIVE = [
    ("does not run", "Avoid the use of colons.", "def check_following(instruction, response):\n    return undefined(response)"),
    ("does not run", "Mention tea.", "def check_following(instruction, response)\n    return True"),
    ("does not run", "Mention tea.", HEAD + "return response.split()[7] == 'tea'"),
    ("unsatisfiable", "Each word must have at least 15 characters.", HEAD + r"return all(len(w) >= 15 for w in response.split())"),
    ("unsatisfiable", "Mention tea.", HEAD + "return False"),
    ("always true", "Mention tea.", HEAD + "return True"),
    ("always true", "Avoid the use of colons.", HEAD + "return response is not None"),
    ("counts characters", "Keep each sentence under 35 words.", HEAD + f"return all(len(s) <= 35 for s in {SENTENCES})"),
    ("counts characters", "Answer with at most 40 words.", HEAD + "return len(response) <= 40"),
    ("counts characters", "The reply must be at least 30 words long.", HEAD + "return len(response) >= 30"),
    ("exact for around", "Aim for approximately 90 words.", HEAD + "return len(response.split()) == 90"),
    ("contradicts its text", "Avoid the use of colons.", HEAD + "return len(response.split('\\n\\n')) == 2"),
    ("contradicts its text", "Words should hold at least 25 characters.", HEAD + "return len(response.split()) >= 25"),
    ("contradicts its text", "Answer with at most 40 words.", HEAD + "return len(response.split()) >= 40"),
    ("contradicts its text", 'Include the keywords "tea", "milk".', HEAD + "return 'tea' in response or 'milk' in response"),
]  # fmt: skip


def row(*pairs: tuple[str, str], prompt: str = "Write.") -> Instruction:
    made = tuple(CheckerConstraint(text=text, source=source) for text, source in pairs)
    return Instruction(id="r", prompt=prompt, constraints=made, meta={"families": ["Digit"] * len(made)})


def defects(sandbox: Sandbox, *pairs: tuple[str, str]) -> list[Finding]:
    return [finding for finding in screen([(1, row(*pairs))], sandbox) if finding.defect]


@pytest.mark.parametrize(("text", "source"), SOUND)
def test_no_sound_checker_is_accused(sandbox: Sandbox, text: str, source: str) -> None:
    assert defects(sandbox, (text, source)) == []


@pytest.mark.parametrize(("kind", "text", "source"), DEFECTIVE)
def test_every_kind_of_defect_is_found(sandbox: Sandbox, kind: str, text: str, source: str) -> None:
    found = defects(sandbox, (text, source))
    assert [finding.kind for finding in found] == [kind]
    assert found[0].evidence


@pytest.mark.parametrize("text", [text for text, _ in SOUND[:10]])
def test_a_repair_is_sound_and_does_what_the_text_says(sandbox: Sandbox, text: str) -> None:
    claim = claims.read(text)
    assert claim is not None
    assert defects(sandbox, (text, claim.source())) == []
    probes = claim.good() + claim.bad()
    results = sandbox.check_group("", [claim.source()], probes)
    assert [r[0].status is Status.PASS for r in results] == [holds(claim, probe) for probe in probes]


def test_siblings_that_no_response_can_keep_together(sandbox: Sandbox) -> None:
    found = defects(
        sandbox, SOUND[0], ("Answer with at most 20 words.", HEAD + "return len(response.split()) <= 20")
    )
    assert [(f.kind, f.index, f.evidence["sibling"]) for f in found] == [("contradicts its sibling", 0, 1)]
    colon = ('Include the keywords "ratio 3:1".', HEAD + "return 'ratio 3:1' in response")
    assert [f.kind for f in defects(sandbox, SOUND[8], colon)] == ["contradicts its sibling"]


def test_policies(sandbox: Sandbox) -> None:
    exact, letters = DEFECTIVE[10][1:], DEFECTIVE[3][1:]
    prompt = f"Write about tea.\n{letters[0]}\n{exact[0]} Be kind."
    instruction = row(SOUND[8], exact, letters, prompt=prompt)
    found = by_row(screen([(1, instruction)], sandbox))[1, instruction.id]
    assert apply("keep", instruction, found).instruction == instruction
    dropped = apply("drop-row", instruction, found)
    assert dropped.instruction is None
    assert "exact for around" in dropped.reason
    repaired = apply("repair", instruction, found)
    assert repaired.actions == {1: "repaired", 2: "dropped"}
    assert repaired.instruction is not None
    assert repaired.instruction.prompt == f"Write about tea.\n{exact[0]} Be kind."
    assert [f for f in screen([(1, repaired.instruction)], sandbox) if f.defect] == []
    left = apply("drop-constraint", instruction, found).instruction
    assert left is not None
    assert [c.text for c in left.constraints] == [SOUND[8][0]]
    assert left.meta["families"] == ["Digit"]
    assert (
        apply(
            "drop-constraint", row(letters), by_row(screen([(1, row(letters))], sandbox))[1, row(letters).id]
        ).instruction
        is None
    )


@pytest.mark.parametrize(
    ("prompt", "text", "left"),
    [
        ("Say hi.\nNo commas.\nBe brief.", "No commas.", "Say hi.\nBe brief."),
        ("Say hi. No commas. Be brief.", "No commas.", "Say hi. Be brief."),
        ("Say hi.\n- No commas.", "No commas.", "Say hi."),
        ("No commas. No commas.", "No commas.", "No commas. No commas."),
        ("Say hi.", "No commas.", "Say hi."),
    ],
)
def test_a_dropped_constraint_leaves_the_prompt(prompt: str, text: str, left: str) -> None:
    assert without(prompt, text) == left


def test_order_is_only_held_against_those_whose_verdicts_change() -> None:
    class Leaky(Sandbox):
        """A sandbox whose second checker sees how many responses came before."""

        def check_group(self, instruction, sources, responses):  # type: ignore[no-untyped-def]
            rows = super().check_group(instruction, sources, responses)
            at = [i for i, s in enumerate(sources) if "leaky" in s]
            return [
                [
                    c._replace(status=Status.PASS if n == 0 else Status.FAIL) if i in at else c
                    for i, c in enumerate(r)
                ]
                for n, r in enumerate(rows)
            ]

    sources = [
        HEAD + "return 'a' in response",
        HEAD + "leaky = 1\n    return True",
        HEAD + "return len(response) > 1",
    ]
    with Leaky(workers=1) as leaky:
        assert order_sensitive(leaky, "", sources, ["a", "bb", "ab"]) == [1]
    with Sandbox(workers=1) as sound:
        assert order_sensitive(sound, "", sources, ["a", "bb", "ab"]) == []


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from verif.cli.screen import screen as command

    good, bad = SOUND[0], DEFECTIVE[10][1:]
    line = {
        "id": 7,
        "prompt": "Write.",
        "checkers": [
            f"[rule] Digit: {good[0]}",
            f"[rule] Digit: {bad[0]}",
            "[llm] Tone: Be kind.",
            "Untagged.",
        ],
        "functions": [good[1], bad[1], "def check_following(i, r): return llm_score(i, r)", ""],
    }
    file, out, quarantine = tmp_path / "d.jsonl", tmp_path / "out.jsonl", tmp_path / "q.jsonl"
    file.write_text(json.dumps(line) + "\nnot json\n")
    with pytest.raises(InputError, match="row 2"):
        command(file, out=out, quarantine=quarantine)
    assert not out.exists()
    command(file, policy="repair", out=out, quarantine=quarantine, skip_bad=True, workers=1)
    shown = capsys.readouterr().out
    assert "exact for around" in shown
    assert "1 lines could not be read" in shown
    kept = orjson.loads(out.read_bytes())
    assert (kept["id"], kept["checkers"][:2]) == ("7", line["checkers"][:2])
    assert kept["functions"][0] == good[1]
    assert kept["functions"][1] == claims.read(bad[0]).source()
    again = next(iter(read_rows(out))).instruction
    assert again is not None
    assert [type(c) for c in again.constraints] == [CheckerConstraint] * 2 + [SoftConstraint] * 2
    entries = [orjson.loads(entry) for entry in quarantine.read_bytes().splitlines()]
    defects = [entry for entry in entries if entry["defect"]]
    assert [(e["kind"], e["index"], e["action"]) for e in defects] == [("exact for around", 1, "repaired")]
    assert defects[0]["evidence"]["passes"] == 90
    with pytest.raises(InputError, match="policy"):
        command(file, policy="burn")


@pytest.mark.slow
def test_the_public_sample(sandbox: Sandbox, reference_data: Path) -> None:
    """Counts that were checked by hand and by an independent search (docs/sandbox.md)."""
    rows = [
        (r.where.row, r.instruction) for r in read_rows(reference_data / "verinstruct" / "sample_200.jsonl")
    ]
    found = screen([(n, i) for n, i in rows if i is not None], sandbox)
    counts: dict[str, int] = {}
    for finding in found:
        counts[finding.kind] = counts.get(finding.kind, 0) + 1
    assert counts == {
        "unsatisfiable": 36, "counts characters": 9, "exact for around": 4, "contradicts its text": 12,
        "contradicts its sibling": 16, "vacuous on empty": 150,
    }  # fmt: skip


def test_random_compositions_agree_with_the_checkers(sandbox: Sandbox) -> None:
    """Truth counted by hand and the repairing checkers agree on texts that were written to some claims and miss others."""
    from verif.data.compose import compose, spoil

    rng = random.Random(0)
    known = [claim for text, _ in SOUND[:10] if (claim := claims.read(text)) is not None]
    sources = [claim.source() for claim in known]
    texts = [compose(rng.sample(known, 3), rng, []) for _ in range(40)] + [
        spoil(known, rng) for _ in range(40)
    ]
    seen = set()
    for text, results in zip(texts, sandbox.check_group("", sources, texts), strict=True):
        for claim, result in zip(known, results, strict=True):
            if holds(claim, text) is not None:
                assert (result.status is Status.PASS) == holds(claim, text), (claim, text)
                seen.add((type(claim), result.status))
    assert len(seen) >= 10
