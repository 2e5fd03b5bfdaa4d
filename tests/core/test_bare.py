"""`import verif`, the rules and `verif score` need only the core dependencies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# What pyproject's core brings with it, by import name (numpy comes with scipy).
CORE = """
pydantic pydantic_core annotated_types annotated_doc typing_extensions typing_inspection typer click shellingham rich
pygments markdown_it mdurl yaml orjson pydantic_monty pydantic_monty_client pydantic_monty_runtime lingua
scipy numpy verif
"""
SCRIPT = """
import sys
core = set(sys.argv[1].split())
import importlib.metadata as m
class Block:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in core or top in sys.stdlib_module_names or top.startswith("_"):
            return None
        import importlib.machinery as im
        if im.PathFinder.find_spec(top) is not None:
            raise ImportError(f"{name} is not a core dependency")
sys.meta_path.insert(0, Block())
try:
    import jinja2
    raise SystemExit("the block does not block")
except ImportError:
    pass
sys.argv = ["verif", "score", sys.argv[2], "--out", sys.argv[3]]
from verif import RuleConstraint, verify
found = verify("p", "a, b", [RuleConstraint(text="", rule="punctuation:no_comma")])
assert found.verdicts[0].status == "fail"
from verif.cli.app import main
main()
"""


@pytest.mark.slow
def test_score_with_core_dependencies_only(tmp_path: Path) -> None:
    row = {
        "key": 1,
        "prompt": "p",
        "instruction_id_list": ["language:response_language", "length_constraints:number_sentences"],
        "kwargs": [{"language": "en"}, {"num_sentences": 1, "relation": "at least"}],
        "response": "This is plainly English, is it not?",
    }
    file, out = tmp_path / "r.jsonl", tmp_path / "o.jsonl"
    file.write_text(json.dumps(row))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, CORE, str(file), str(out)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["all"] is True
