"""What `dvc plots show` draws: truth beside reward, alarms, both sides, and a page that needs no network."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from verif.data.rollouts import Rollout, write_step
from verif.registry import plots
from verif.system.files import write_bytes, write_json
from verif.types import Instruction, Response

ALARM = {"step": 2, "kind": "divergence", "measured": 0.5, "limit": 0.3, "message": "half of it is false"}


@pytest.fixture
def trained(stage):
    """Reports of three steps; the oracle looked at the first and the third, the watch cried at the second."""
    folder = stage.reports / "train"
    write_bytes(folder / "curve.csv", b"step,reward_mean,entropy\n0,,\n1,0.4,1\n2,0.5,1\n3,0.625,1\n")
    none = {"checked": 0, "contradicted": 0, "rejected": 0, "refused": 0}
    steps = [
        {"step": 1, **none, "rejected": 4, "refused": 1},
        {"step": 2, **none},
        {"step": 3, **none, "rejected": 4},
    ]
    write_json(folder / "alarms.json", {"alarms": [ALARM], "steps": steps, "on_alarm": "warn"})
    rollout = Rollout(1, "u", Instruction(id="1", prompt="x"), Response(text="y"), None)
    write_step(folder / "rollouts", 1, [rollout])
    write_bytes(
        stage.reports / "verifier" / "attacks.csv", b"family,n,verifier\nauthority,9,0.25\nempty,0,\n"
    )
    return stage


def rows(stage, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((stage.reports / "plots" / f"{name}.csv").read_text())))


def test_the_tables_hold_both_sides_the_alarms_and_the_attacks(trained, monkeypatch):
    monkeypatch.setattr(plots, "vega", lambda: b"")
    plots.write(trained)
    training = rows(trained, "training")
    assert [row["value"] for row in training if row["series"] == "reward"] == ["0.4", "0.5", "0.625"]
    (alarm,) = [row for row in training if row["series"] == "alarm"]
    assert (alarm["step"], alarm["value"], alarm["said"]) == ("2", "0.5", "half of it is false")
    whole = {row["model"]: row["share"] for row in rows(trained, "sides") if row["family"] == "whole prompt"}
    assert whole == {"before": "0.4", "after": "0.6"}
    assert rows(trained, "attacks") == [{"family": "authority", "share": "0.25"}]
    assert not (trained.reports / "plots" / plots.SCRIPTS).exists()


def test_without_the_package_it_says_so(trained, monkeypatch, capsys):
    monkeypatch.setattr(plots, "find_spec", lambda name: None)
    plots.vega.cache_clear()
    plots.write(trained)
    plots.vega.cache_clear()
    assert "vl-convert-python is not installed" in capsys.readouterr().out


@pytest.mark.slow
def test_the_page_draws_in_a_browser_without_a_network(trained, root: Path) -> None:
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("no chromium; .ci/setup installs it")
    from playwright.sync_api import sync_playwright

    plots.write(trained)
    place = trained.root
    shutil.copytree(root / ".dvc" / "plots", place / ".dvc" / "plots")
    shutil.copyfile(root / ".dvc" / "config", place / ".dvc" / "config")
    wanted = yaml.safe_load((root / "dvc.yaml").read_text())["plots"]
    (place / "dvc.yaml").write_text(yaml.safe_dump({"plots": wanted}))
    subprocess.run(["git", "init", "-q"], cwd=place, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "plots", "show", "-q"], cwd=place, check=True)
    asked: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(offline=True).new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((place / "dvc_plots" / "index.html").as_uri())
        page.locator(".mark-rule line").first.wait_for(state="attached", timeout=30_000)
        drawn = {
            name: page.locator(f".mark-{name} path, .mark-{name} line").count()
            for name in ("line", "rule", "rect")
        }
        browser.close()
    assert all(url.startswith(("file:", "data:")) for url in asked), json.dumps(asked)
    assert drawn["rule"] >= 1  # the alarm
    assert drawn["line"] >= 1  # reward
    assert drawn["rect"] >= 5  # two sides of the whole prompt and of two constraint types, an attack
