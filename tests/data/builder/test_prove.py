"""What a written checker must show; every kind of defect is refused by its name, in the real sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from verif.core.sandbox.sandbox import Sandbox
from verif.data.builder.prove import Proof, proof
from verif.data.builder.reply import WrittenCase, WrittenChecker
from verif.pipeline.building import edges

ANSWER = (
    "The boats are in. The gulls are loud. Nobody mends the nets, and the light is nearly gone over the wall."
)
TEXT = "Use at most 25 words."
GOOD = "return 0 < len(response.split()) <= 25"
OTHER = "words = [w for w in response.split() if w]\n    return bool(words) and len(words) < 26"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=1, seconds=0.5) as pool:
        yield pool


def function(body: str) -> str:
    return f"import re\n\ndef check_following(instruction, response):\n    {body}\n"


def proven(
    sandbox: Sandbox, first: str, second: str, text: str = TEXT, rules: tuple[str, ...] = (), cases: tuple[WrittenCase, ...] = ()
) -> Proof:  # fmt: skip
    replies = (
        WrittenChecker(code=function(first), cases=list(cases)),
        WrittenChecker(code=function(second), cases=[]),
    )
    return proof("Describe it.", ANSWER, text, replies, rules, sandbox, edges, 0.95)


def test_two_sound_writers_are_believed(sandbox: Sandbox) -> None:
    made = proven(sandbox, GOOD, OTHER)
    assert (made.how, made.constraint and made.constraint.kind) == ("accepted", "checker")


def test_a_checker_that_says_what_a_rule_says_becomes_the_rule(sandbox: Sandbox) -> None:
    body = "return 0 < len(re.findall(r'\\w+', response)) <= 25"
    made = proven(sandbox, body, body, rules=("local:min_words", "local:max_words"))
    assert made.how == "translated"
    assert made.constraint is not None
    assert made.constraint.kind == "rule"
    assert (made.constraint.rule, made.constraint.params, made.constraint.text) == (
        "local:max_words",
        {"n": 25},
        TEXT,
    )


@pytest.mark.parametrize(
    ("text", "body", "named"),
    [
        ("Mention the word lamp.", "return bool(re.findall(r'\\bboats\\b', response.lower()))", "'boats'"),
        (TEXT, "return 0 < len(re.findall(r'\\w+', response)) <= 40", "'40'"),
    ],
)
def test_that_two_models_make_the_same_slip_proves_nothing(
    sandbox: Sandbox, text: str, body: str, named: str
) -> None:
    """Both functions say the same, and what they say is a rule about something that the constraint does not name."""
    made = proven(sandbox, body, body, text, rules=("local:keyword", "local:max_words"))
    assert (made.how, made.kind) == ("refused", "says something else")
    assert named in made.reason
    named_so = text.replace("lamp", "boats").replace("25", "40")
    assert (
        proven(sandbox, body, body, named_so, rules=("local:keyword", "local:max_words")).how == "translated"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("return True", "accepts the empty answer"),
        ("return len(response) > 0", "accepts everything"),
        ("return False", "refuses its answer"),
        ("return len(response) <= 25", "refuses its answer"),
        ("return response.split()[3] != ''", "does not run"),
        ("while True: pass", "does not run"),
        ("import os\n    return os.system('id') == 0", "does not run"),
        ("return open('/etc/passwd').read() != ''", "does not run"),
        ("return 'a' * 10**10 != response", "does not run"),
        ("retrun True", "does not run"),
    ],
)
def test_a_defect_is_refused_by_its_kind(sandbox: Sandbox, body: str, kind: str) -> None:
    made = proven(sandbox, body, body)
    assert (made.how, made.kind, made.constraint) == ("refused", kind, None)


def test_a_defective_writer_beside_a_sound_one_is_repaired_by_a_rule_or_refused(sandbox: Sandbox) -> None:
    good = "return 0 < len(re.findall(r'\\w+', response)) <= 25"
    off_by_one = good.replace("<= 25", "< 25")
    repaired = proven(sandbox, off_by_one, good, rules=("local:max_words",))
    assert (repaired.how, repaired.constraint and repaired.constraint.kind) == ("repaired", "rule")
    assert proven(sandbox, "return len(response) > 0", good).kind == "accepts everything"
    assert proven(sandbox, "return 'boats' in response", GOOD).kind == "writers disagree"


def test_a_case_that_both_functions_contradict_does_not_count(sandbox: Sandbox) -> None:
    wrong = WrittenCase(text="Two words.", follows=False)
    assert proven(sandbox, GOOD, OTHER, cases=(wrong,)).how == "accepted"


def test_where_the_writers_differ_the_cases_decide(sandbox: Sandbox) -> None:
    edge = WrittenCase(text=" ".join(["word"] * 25), follows=True)
    made = proven(sandbox, GOOD.replace("<= 25", "< 25"), OTHER, cases=(edge,))
    assert made.how == "accepted"
    assert made.constraint is not None
    assert made.constraint.kind == "checker"
    assert "26" in made.constraint.source


def test_what_screening_knows_of_its_text_speaks_against_a_checker(sandbox: Sandbox) -> None:
    """Both writers wrote the same for a text that says something else."""
    made = proven(
        sandbox, "return 0 < len(response.split()) <= 250", "return 0 < len(response.split()) < 251"
    )
    assert made.how == "refused"
    assert made.kind in ("accepts everything", "contradicts its text")
