"""`make mutants`: spoils one line at a time in a copy of the tree, and says whether a test noticed.

Each mutant of `mutants_table` runs its own tests only, with an end in time, so the whole takes minutes. What was
found is kept in `.verif/mutants.json` for the code and tests as they are: a run that was interrupted goes on where
it stopped. The last line is JSON: `{"mutants": 45, "killed": 45}`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.mutants_table import MUTANTS, Mutant
from verif.system.files import digest, digest_code, write_json
from verif.system.serving import end_group

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 180.0
"""For the tests of one mutant. A mutant that hangs is neither killed nor alive: a slow machine looks the same."""
KILLED, SURVIVED, UNDECIDED = "killed", "survived", "undecided"


def spoil(mutant: Mutant, root: Path) -> str:
    """The file's text with the mutant's line; `ValueError` if the line is not there just once."""
    text = (root / mutant.file).read_text("utf-8")
    if (count := text.count(mutant.old)) != 1:
        raise ValueError(f"{mutant.name}: the text stands there {count} times: {mutant.old!r}")
    return text.replace(mutant.old, mutant.new)


def copy(root: Path, target: Path) -> None:
    """The working tree as git sees it: what is tracked, and what is new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target / name)


def noticed(root: Path, tests: Sequence[str], seconds: float = SECONDS) -> str:
    """Whether these tests fail in this tree. Anything but passing and failing is undecided."""
    line = [sys.executable, "-B", "-m", "pytest", "-x", "-p", "no:cacheprovider", *tests]
    process = subprocess.Popen(
        line,
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        code = -1
    finally:
        end_group(process, 2)
        process.wait()
    return {0: SURVIVED, 1: KILLED}.get(code, UNDECIDED)


def outcome(mutant: Mutant, tree: Path) -> str:
    """What the mutant's tests say about it; the tree is afterwards as it was."""
    path = tree / mutant.file
    whole = path.read_bytes()
    path.write_text(spoil(mutant, tree), "utf-8")
    try:
        return noticed(tree, mutant.tests.split())
    finally:
        path.write_bytes(whole)


def run(mutants: Sequence[Mutant], root: Path = ROOT) -> dict[str, str]:
    """Outcome by mutant. Tests that fail without any mutant say nothing: theirs are undecided."""
    state = root / ".verif" / "mutants.json"
    code = digest_code(root / "verif", root / "tests")
    kept: dict[str, str] = json.loads(state.read_text()) if state.is_file() else {}
    verdicts: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="verif-mutants-") as folder:
        tree = Path(folder)
        copy(root, tree)
        sound: dict[str, bool] = {}
        for mutant in mutants:
            key = digest([code, mutant.file, mutant.old, mutant.new, mutant.tests])
            if key not in kept:
                began = time.monotonic()
                if mutant.tests not in sound:
                    sound[mutant.tests] = noticed(tree, mutant.tests.split()) == SURVIVED
                kept[key] = outcome(mutant, tree) if sound[mutant.tests] else UNDECIDED
                if kept[key] != UNDECIDED:
                    write_json(state, kept)
                print(f"{kept[key]:9} {time.monotonic() - began:5.1f} s  {mutant.name}", flush=True)
            else:
                print(f"{kept[key]:9}   known  {mutant.name}", flush=True)
            verdicts[mutant.name] = kept[key]
    return verdicts


def main() -> int:
    """Run all mutants, or those whose name holds the given text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="only mutants whose name holds this")
    only = parser.parse_args().only
    verdicts = run([mutant for mutant in MUTANTS if only in mutant.name])
    for word in (SURVIVED, UNDECIDED):
        for name in sorted(name for name, said in verdicts.items() if said == word):
            print(f"{word}: {name}")
    print(json.dumps({"mutants": len(verdicts), "killed": sum(said == KILLED for said in verdicts.values())}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
