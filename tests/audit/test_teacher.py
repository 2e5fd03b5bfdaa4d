"""What training depends on of its verifier: everything that decides, and of the rules those that its data can ask."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from verif.audit.fitness import teacher_of
from verif.core import deciding, rules
from verif.core.rules import registry
from verif.project import Stage
from verif.recipe import parse_recipe
from verif.service.identity import identity_of

RULES_ALONE = {"policy": {"kind": "scratch"}, "judge": {"kind": "none"}, "verifier": {"formula": "hard-only"}}


def forget() -> None:
    deciding.code_digest.cache_clear()
    deciding.rules_digest.cache_clear()


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the deciding code, which a test may change as a person would."""
    copied = tmp_path / "core"
    shutil.copytree(deciding.CORE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(deciding, "CORE", copied)
    forget()
    yield copied
    forget()


def stage(folder: Path, kind: str) -> Stage:
    return Stage(folder, parse_recipe({"name": "t", "data": {"kind": kind}, **RULES_ALONE}, "test"), folder)


def identities(folder: Path, kind: str) -> tuple[str, str]:
    """As a teacher, and as a service."""
    forget()
    made = stage(folder, kind)
    return teacher_of(made), identity_of(made.recipe, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "retrains"),
    [
        ("rules/length.py", False),
        ("rules/language.py", False),
        ("rules/__init__.py", True),
        ("rules/local.py", True),
        ("rules/params.py", True),
        ("rules/registry.py", True),
        ("text.py", True),
        ("reward.py", True),
        ("sandbox/purity.py", True),
    ],
)
def test_the_world_is_trained_anew_for_what_it_asks(
    core: Path, tmp_path: Path, name: str, retrains: bool
) -> None:
    world, rows = identities(tmp_path, "world"), identities(tmp_path, "verinstruct")
    with (core / name).open("ab") as stream:
        stream.write(b"\n# another way\n")
    after = identities(tmp_path, "world")
    assert (after[0] != world[0]) == retrains
    assert after[1] != world[1], "a running service has the old code: it is never taken for the new one"
    assert identities(tmp_path, "verinstruct")[0] != rows[0], "rows of others may ask any rule"


def test_each_rules_code_is_reached_wherever_it_stands() -> None:
    """Rules in folders of their own, and what they import from beside them."""
    for spec in rules.rules().values():
        path = deciding._file_of(spec.check.__module__)
        assert path is not None, spec.id
        assert path.is_file(), spec.id
    assert deciding._file_of("verif.core.text") is None
    assert deciding._file_of("verif.core.rules").name == "__init__.py"


@pytest.mark.parametrize(("rule", "retrains"), [("startend:end_checker", False), ("local:bullets", True)])
def test_a_new_version_of_a_rule_alone_counts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str, retrains: bool
) -> None:
    before = identities(tmp_path, "world")
    raised = replace(rules.get(rule), version=99)
    monkeypatch.setitem(registry._RULES, rule, raised)
    after = identities(tmp_path, "world")
    assert (after[0] != before[0]) == retrains
    assert after[1] != before[1]
