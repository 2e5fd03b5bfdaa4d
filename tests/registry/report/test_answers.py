"""What the audit says of reference answers is on the report's page: who decides, with intervals and the worst attack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verif.project import Stage
from verif.recipe import load_recipe
from verif.registry.report.page import build
from verif.system.files import write_json

ROOT = Path(__file__).resolve().parents[3]


def page(folder: Path, answers: dict[str, Any] | None) -> str:
    audit = {"fit": True, "identity": "i", "reasons": [], "notes": []}
    write_json(folder / "reports" / "verifier.json", audit | ({"answers": answers} if answers else {}))
    return build(Stage(folder, load_recipe("answers-local", ROOT / "recipes"), folder / "data")).read_text(
        "utf-8"
    )


def share(name: str, value: float) -> dict[str, float]:
    return {name: value, f"{name}_low": value / 2, f"{name}_high": value * 1.5}


def test_rules_and_model_stand_side_by_side(tmp_path: Path) -> None:
    answers = {
        "n": 300,
        "undecided": 0,
        **share("rules_recall", 0.5),
        **share("rules_false", 0.0),
        **share("verifier_recall", 0.6),
        **share("verifier_false", 0.02),
        **share("verifier_worst", 0.1),
        "verifier_worst_family": "several_boxes",
    }
    html = page(tmp_path, answers)
    assert "Reference answers of known truth, n = 300" in html
    rules = "<td>rules alone</td><td>50.0% [25.0%, 75.0%]</td><td>0.0% [0.0%, 0.0%]</td><td></td>"
    both = "<td>60.0% [30.0%, 90.0%]</td><td>2.0% [1.0%, 3.0%]</td><td>10.0% [5.0%, 15.0%] several boxes</td>"
    assert rules in html
    assert f"<td>rules, then the model</td>{both}" in html
    assert "<td>the judge</td>" not in html


def test_an_audit_without_answers_has_no_such_table(tmp_path: Path) -> None:
    assert "Reference answers of known truth" not in page(tmp_path, None)
