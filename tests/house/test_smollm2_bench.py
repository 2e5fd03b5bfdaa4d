"""`make bench-smollm2`: what a killed part took counts, what fails says where, and null is what was not measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import long_run, smollm2
from verif.errors import InputError

KEYS = {
    "heldout_before", "heldout_after", "heldout_gain_low", "ifeval_before", "ifeval_after", "ifeval_gain_low",
    "ifbench_before", "ifbench_after", "control_gain", "relevance_drop", "likelihood_drop", "gate_passed",
    "tokens_per_s_train", "tokens_per_s_generate",
}  # fmt: skip


def reports(folder: Path, **evaluation: Any) -> Path:
    share = {"greedy": {"value": 0.2}}
    held = {"before": share, "after": {"greedy": {"value": 0.5}}, "gain_greedy": {"low": 0.25}}
    folder.mkdir(exist_ok=True)
    told = {"benchmarks": {"held-back": {**held, **evaluation.pop("held", {})}}, **evaluation}
    (folder / "evaluation.json").write_text(json.dumps(told))
    (folder / "registration.json").write_text(json.dumps({"gate": {"passed": False}}))
    return folder


def test_every_figure_that_is_promised_stands_there_and_null_is_what_was_not_measured(tmp_path: Path) -> None:
    bare = smollm2.figures(reports(tmp_path / "bare"), tmp_path)
    assert set(bare) == KEYS
    assert (bare["heldout_gain_low"], bare["gate_passed"]) == (0.25, False)
    assert {key for key, value in bare.items() if value is None} >= {
        "control_gain",
        "relevance_drop",
        "ifeval_after",
    }
    whole = reports(
        tmp_path / "whole", held={"control_gain_greedy": {"value": 0.07}},
        drift={"relevance": {"drop": {"value": 0.03}}, "likelihood": {"drop": {"value": 0.4}}},
    )  # fmt: skip
    told = smollm2.figures(whole, tmp_path)
    assert (told["control_gain"], told["relevance_drop"], told["likelihood_drop"]) == (0.07, 0.03, 0.4)


def test_a_damaged_report_is_named(tmp_path: Path) -> None:
    folder = reports(tmp_path / "r")
    (folder / "evaluation.json").write_text("{")
    with pytest.raises(InputError, match=r"evaluation\.json"):
        smollm2.figures(folder, tmp_path)


def test_over_seeds_a_figure_is_a_mean_a_low_end_the_least_and_one_failed_gate_fails_all() -> None:
    one = {
        "heldout_after": 0.4,
        "heldout_gain_low": 0.1,
        "minutes": 90.0,
        "gate_passed": True,
        "control_gain": 0.1,
    }
    two = {
        "heldout_after": 0.6,
        "heldout_gain_low": 0.2,
        "minutes": 110.0,
        "gate_passed": False,
        "control_gain": None,
    }
    assert smollm2.joined([one, two]) == {
        "heldout_after": 0.5, "heldout_gain_low": 0.1, "minutes": 110.0, "gate_passed": False, "control_gain": None,
    }  # fmt: skip


def run(folder: Path, code: str) -> long_run.Spent:
    spent = long_run.Spent(folder / "spent.json")
    long_run.run([sys.executable, "-c", code], folder, os.environ, "seed 1", folder / "log", spent)
    return spent


def test_the_time_of_a_part_that_was_killed_counts(tmp_path: Path) -> None:
    (tmp_path / "spent.json").write_text('{"minutes": 40.0, "peak_gb": 9.5}')
    spent = run(tmp_path, "pass")
    assert 40.0 <= spent.minutes < 41.0
    assert json.loads((tmp_path / "spent.json").read_text())["peak_gb"] == 9.5


def test_what_fails_says_its_last_line_and_where_the_log_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ended with 3: the disk is full"):
        run(tmp_path, "import sys; print('the disk is full'); sys.exit(3)")
    (tmp_path / "spent.json").write_text("[]")
    with pytest.raises(InputError, match=r"is damaged"):
        long_run.Spent(tmp_path / "spent.json")


@pytest.mark.slow
def test_ended_by_a_signal_it_ends_what_it_started(tmp_path: Path) -> None:
    script = (
        "import os, pathlib\nfrom benchmarks import long_run\n"
        "line = ['sh', '-c', 'echo $$ > child; exec sleep 60']\n"
        "here = pathlib.Path('.')\n"
        "long_run.run(line, here, os.environ, 's', here / 'log', long_run.Spent(here / 'spent.json'))\n"
    )
    env = os.environ | {"PYTHONPATH": str(smollm2.ROOT)}
    bench = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=env)
    try:
        for _ in range(1200):
            if (tmp_path / "child").is_file() and (tmp_path / "child").read_text().strip():
                break
            time.sleep(0.1)
        bench.send_signal(signal.SIGTERM)
        assert bench.wait(60) == 128 + signal.SIGTERM
    finally:
        bench.kill()
        bench.wait()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "child").read_text()), 0)
