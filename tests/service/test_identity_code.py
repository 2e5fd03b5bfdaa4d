"""What decides is in the identity and in the cache keys: a rule, the sandbox, a prompt cannot change unnoticed."""

import shutil
import time
from pathlib import Path

import pytest

from verif.core import deciding
from verif.core.checks import checker_part
from verif.core.judge.judge import judge_part
from verif.core.parts import make_parts
from verif.core.sandbox.sandbox import Sandbox
from verif.system.files import digest


@pytest.fixture
def core(tmp_path, monkeypatch):
    """A copy of the deciding code, which a test may change as a person would."""
    copied = tmp_path / "core"
    shutil.copytree(deciding.CORE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(deciding, "CORE", copied)
    deciding.code_digest.cache_clear()
    yield copied
    deciding.code_digest.cache_clear()


def judge() -> str:
    return judge_part("m" * 32, "joint-en", {"temperature": 0}, "")


def identity() -> str:
    deciding.code_digest.cache_clear()
    parts = make_parts(
        formula="average",
        unscorable_reward=0.0,
        reasoning="auto",
        judge=judge(),
        sandbox=Sandbox().version,
    )
    return digest(parts)


DECIDING = [
    "rules/length.py", "text.py", "segment.py", "language/tables.npz", "sandbox/purity.py", "sandbox/inside/tables.json",
    "sandbox/shims.py", "judge/verdict.py", "judge/prompts/joint-en.txt", "answer.py", "checks.py", "plan.py", "reward.py",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", DECIDING)
def test_a_change_in_what_decides_is_another_identity(core: Path, name: str):
    before = identity()
    with (core / name).open("ab") as stream:
        stream.write(b"\n# another way\n")
    assert identity() != before


def test_cache_keys_follow_sandbox_and_judge(core: Path):
    checker, asked = checker_part("def check(response): ...", Sandbox().version), judge()
    for name in ("sandbox/faster.py", "judge/markup.py"):
        with (core / name).open("ab") as stream:
            stream.write(b"\n")
    deciding.code_digest.cache_clear()
    assert checker_part("def check(response): ...", Sandbox().version) != checker
    assert judge() != asked


def test_what_only_carries_changes_nothing(core: Path):
    before = identity()
    with (core / "cache_store.py").open("ab") as stream:
        stream.write(b"\n")
    (core / "rules" / "__pycache__").mkdir()
    (core / "rules" / "__pycache__" / "length.cpython-312.pyc").write_bytes(b"bytecode")
    assert identity() == before


def test_every_file_of_the_core_either_decides_or_carries():
    places = [place for found in deciding.DECIDES.values() for place in found] + list(deciding.CARRIES)
    for place in places:
        assert (deciding.CORE / place).exists(), place
    for file in deciding.CORE.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            name = file.relative_to(deciding.CORE).as_posix()
            found = [place for place in places if name == place or name.startswith(f"{place}/")]
            assert len(found) == 1, f"{name}: in verif/core/deciding.py say whether it decides or carries"


def test_it_costs_next_to_nothing():
    best = 1.0
    for _ in range(5):
        deciding.code_digest.cache_clear()
        begun = time.process_time()
        for part in deciding.DECIDES:
            deciding.code_digest(part)
        best = min(best, time.process_time() - begun)
    assert best < 0.05, f"{best * 1000:.1f} ms"
