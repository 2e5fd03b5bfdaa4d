"""A file that is not collected holds no test that was asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.left_out import leaves_out

FAST, SLOW = "not slow and not e2e and not release", "slow and not e2e and not release"
E2E, RELEASE = "e2e and not release", "release"
WHOLE_SLOW = "import verl\n\npytestmark = pytest.mark.slow\n\ndef test_a(): ...\n"
WHOLE_E2E, WHOLE_RELEASE = WHOLE_SLOW.replace("slow", "e2e"), WHOLE_SLOW.replace("slow", "release")
MIXED = "@pytest.mark.slow\ndef test_a(): ...\n\ndef test_b(): ...\n"
PLAIN = "def test_b(): ...\n"
LISTED = "pytestmark = [\n    pytest.mark.slow,\n]\n\ndef test_a(): ...\n"


@pytest.mark.parametrize(
    ("expression", "left_out"),
    [
        (FAST, [WHOLE_SLOW, WHOLE_E2E, WHOLE_RELEASE]),
        (SLOW, [WHOLE_E2E, WHOLE_RELEASE, PLAIN]),
        (E2E, [WHOLE_SLOW, WHOLE_RELEASE, MIXED, PLAIN, LISTED]),
        (RELEASE, [WHOLE_SLOW, WHOLE_E2E, MIXED, PLAIN, LISTED]),
        ("not slow", [WHOLE_SLOW]),
        ("", []),
        ("slow or e2e", []),
        ("not (slow or e2e)", []),
        ("hypothesis and not slow", []),
    ],
)
def test_only_whole_files_without_a_chosen_test_are_left_out(expression: str, left_out: list[str]) -> None:
    files = (WHOLE_SLOW, WHOLE_E2E, WHOLE_RELEASE, MIXED, PLAIN, LISTED)
    assert [text for text in files if leaves_out(expression, text)] == left_out


def test_the_parts_of_make_test_and_of_a_release_leave_no_file_out_of_all(root: Path) -> None:
    expressions = re.findall(r'pytest -m ("[^"]+"|\w+)', (root / "Makefile").read_text())
    assert {expression.strip('"') for expression in expressions} == {FAST, SLOW, E2E, RELEASE}
    for path in (root / "tests").rglob("test_*.py"):
        text = path.read_text("utf-8")
        assert not all(leaves_out(expression, text) for expression in (FAST, SLOW, E2E, RELEASE)), path
