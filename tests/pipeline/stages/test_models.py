"""The model stages on small data: what is written, and what is refused before anything is."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from verif.core.instruction_files import read_instructions
from verif.data.hub import check_folder
from verif.data.tables import (
    read_judge_pairs,
    read_policy_pairs,
    write_golden,
    write_judge_pairs,
    write_policy_pairs,
)
from verif.data.world.prepare import golden, judge_pairs, policy_pairs
from verif.errors import InputError, RecipeError, SetupError
from verif.pipeline import hardening
from verif.pipeline.hardening import harden_judge
from verif.pipeline.stages import judge, policy, prepare
from verif.pipeline.stages.models import require_space
from verif.project import Stage
from verif.recipe import HardenSection, parse_recipe
from verif.system.files import digest_tree
from verif.training.tiny import asking
from verif.training.tiny.judge_sft import CLOSE, PASS

DATA = {
    "kind": "world",
    "train": 16,
    "validation": 8,
    "test": 16,
    "unseen": 16,
    "golden": 12,
    "policy_pairs": 200,
    "judge_pairs": 200,
}
SCRATCH = {
    "kind": "scratch",
    "width": 32,
    "layers": 1,
    "heads": 1,
    "ffn": 64,
    "vocabulary": 700,
    "steps": 8,
    "batch": 8,
}


def _stage(root: Path, **sections: object) -> Stage:
    raw = {"name": "t", "data": DATA, "policy": SCRATCH, "judge": {"kind": "none"}, **sections}
    return Stage(root, parse_recipe(raw, "t"), root)


@pytest.mark.slow
def test_prepare_writes_the_same_rows_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        prepare.run(_stage(tmp_path / name))
    assert digest_tree(tmp_path / "a" / "data") == digest_tree(tmp_path / "b" / "data")
    report = json.loads((tmp_path / "a/reports/data.json").read_text())
    assert report["rows"]["train"] == 16
    assert report["source"]["held_out_types"]
    assert len(read_instructions(tmp_path / "a/data/unseen.parquet")) == 16
    assert len(read_judge_pairs(tmp_path / "a/data/judge_pairs.parquet")) == 200
    prepare.run(_stage(tmp_path / "c", seed=2))
    assert digest_tree(tmp_path / "a" / "data") != digest_tree(tmp_path / "c" / "data")


def test_corpora_come_back_as_they_were_written(tmp_path: Path) -> None:
    lessons, texts = judge_pairs(20, random.Random(1)), policy_pairs(20, random.Random(1))
    write_judge_pairs(tmp_path / "j", lessons)
    write_policy_pairs(tmp_path / "p", texts)
    write_golden(tmp_path / "g", golden(9, random.Random(1)))
    assert read_judge_pairs(tmp_path / "j") == lessons
    assert read_policy_pairs(tmp_path / "p") == texts
    (tmp_path / "p").write_bytes(b"PAR1 nothing")
    with pytest.raises(InputError, match="cannot read parquet"):
        read_policy_pairs(tmp_path / "p")


def test_no_judge_is_a_file_that_says_so(tmp_path: Path) -> None:
    judge.run(_stage(tmp_path))
    assert json.loads((tmp_path / "models/judge/none.json").read_text())["judge"] is None


def test_an_unpinned_hub_model_is_refused(tmp_path: Path) -> None:
    hub = {"kind": "hub", "repo": "someone/model"}
    with pytest.raises(RecipeError, match="not pinned"):
        policy.run(_stage(tmp_path, policy=hub))
    with pytest.raises(RecipeError, match="not pinned"):
        judge.run(_stage(tmp_path, judge=hub))
    assert not (tmp_path / "models" / "policy").exists()


def test_an_absent_hub_model_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub = {"kind": "hub", "repo": "someone/model", "revision": "a" * 40, "digest": "b" * 32}
    with pytest.raises(SetupError, match="neither in the local cache nor reachable"):
        policy.run(_stage(tmp_path, policy=hub))


@pytest.mark.slow
def test_a_failed_training_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(policy, "QUICK", 4)
    stage = _stage(tmp_path)
    prepare.run(stage)
    policy.run(stage)
    before = digest_tree(stage.models / "policy")
    assert json.loads((stage.reports / "policy.json").read_text())["steps"] == 8
    write_policy_pairs(stage.data / "policy_pairs.parquet", policy_pairs(3, random.Random(1)))
    with pytest.raises(Exception, match="do not fill one batch"):
        policy.run(stage)
    assert digest_tree(stage.models / "policy") == before
    assert [p.name for p in stage.models.iterdir()] == ["policy"]


@pytest.mark.slow
def test_a_judge_is_hardened_on_what_the_policy_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("CHECK_PROMPTS", 8), ("CHECK_SAMPLES", 1), ("CHECK_MUTANTS", 8), ("TOKENS", 12)):
        monkeypatch.setattr(hardening, name, value)
    for module in (judge, policy):
        monkeypatch.setattr(module, "quick_look", lambda *_: {})
    # a judge of so few steps is readable only by accident: what it says is put in its mouth
    monkeypatch.setattr(asking, "sample", lambda *_, **__: [f"so{CLOSE}{PASS}"] * len(_[1]))
    harden = {"rounds": 2, "prompts": 8, "samples": 2, "mutants": 8, "steps": 2, "enough": 1}
    stage = _stage(tmp_path, judge={**SCRATCH, "harden": harden})
    prepare.run(stage)
    policy.run(stage)
    judge.run(stage)
    report = json.loads((tmp_path / "reports/judge.json").read_text())
    rounds, lessons = report["hardening"], read_judge_pairs(tmp_path / "data/judge_lessons.parquet")
    assert [row["round"] for row in rounds] == [0, 1, 2], "what the judge was before, and each round"
    assert sum(row.get("new", 0) for row in rounds) == len(lessons) > 0
    assert not any(lesson.followed for lesson in lessons), "it passed everything: only false answers are news"
    assert report["digest"] == digest_tree(tmp_path / "models/judge")


def test_hardening_needs_an_oracle_that_knows_reasons(tmp_path: Path) -> None:
    stage = _stage(tmp_path, data={"kind": "verinstruct"}, judge={**SCRATCH, "harden": {}})
    with pytest.raises(RecipeError, match=r"judge\.harden: .* oracle"):
        harden_judge(stage, HardenSection(), tmp_path / "judge", [])


@pytest.mark.slow
def test_hardening_without_a_policy_says_which_stage_is_missing(tmp_path: Path) -> None:
    stage = _stage(tmp_path, judge={**SCRATCH, "harden": {}})
    prepare.run(stage)
    with pytest.raises(InputError, match="no policy") as error:
        harden_judge(stage, HardenSection(), tmp_path / "judge", [])
    assert "dvc repro policy" in error.value.hint


def test_a_judge_without_lessons_is_refused(tmp_path: Path) -> None:
    stage = _stage(tmp_path, judge=SCRATCH)
    write_judge_pairs(stage.data / "judge_pairs.parquet", [])
    with pytest.raises(RecipeError, match="no judgements"):
        judge.run(stage)


def test_a_model_folder_must_be_whole(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"config\.json"):
        check_folder(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="weights"):
        check_folder(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match="without a tokenizer"):
        check_folder(tmp_path)


MODEL = {"config.json": '{"model_type": "qwen2"}', "model.safetensors": "", "tokenizer.json": "{}"}


def _folder(root: Path, **more: str) -> Path:
    root.mkdir(parents=True)
    for name, text in (MODEL | more).items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("pytorch_model.bin", "x", "pickled weights, which run code"),
        ("deep/consolidated.pth", "x", "pickled weights, which run code"),
        ("modeling_x.py", "x", "code of the model's repository"),
        ("config.json", '{"model_type": "new", "auto_map": {"AutoModel": "m.M"}}', "needs code of its own"),
        ("config.json", "[]", "not a JSON object"),
        ("model.safetensors.index.json", '{"weight_map": {"a": "w.bin"}}', "names 'w.bin'"),
        ("model.safetensors.index.json", '{"weight_map": {"a": "../x.safetensors"}}', "names '../x"),
        ("model.safetensors.index.json", '{"weight_map": 1}', "names 'nothing'"),
    ],
)
def test_a_model_that_would_run_code_is_refused(tmp_path: Path, name: str, text: str, why: str) -> None:
    pytest.importorskip("transformers")
    check_folder(_folder(tmp_path / "good"))
    known = '{"model_type": "qwen2", "auto_map": {"AutoModel": "m.M"}}'
    check_folder(_folder(tmp_path / "known", **{"config.json": known}))
    with pytest.raises(InputError, match=why):
        check_folder(_folder(tmp_path / "bad", **{name: text}))


def test_of_a_hub_model_only_data_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local cache may hold pickles and code of the same repository; they are left there."""
    huggingface_hub = pytest.importorskip("huggingface_hub")
    clean = digest_tree(_folder(tmp_path / "clean"))
    full = _folder(tmp_path / "full", **{"pytorch_model.bin": "x", "modeling_x.py": "x", "deep/a.pt": "x"})
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(full))
    hub = {"kind": "hub", "repo": "someone/model", "revision": "a" * 40, "digest": clean}
    policy.run(_stage(tmp_path / "root", policy=hub))
    assert digest_tree(tmp_path / "root" / "models" / "policy") == clean
    for name in MODEL:
        if name.endswith(".safetensors"):
            (full / name).unlink()
    with pytest.raises(InputError, match=r"no \*.safetensors: the weights are missing. Only safetensors"):
        policy.run(_stage(tmp_path / "other", policy=hub))


def test_a_full_disk_is_said_before_training(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="MB of disk are free"):
        require_space(tmp_path, megabytes=10**12)


FULL = """
import json, sys
from pathlib import Path
from verif.cli.app import main
from verif.pipeline.stages import policy

root = Path(sys.argv[1])
policy.require_space = lambda folder: None  # the disk fills after it was looked at
for _ in range(130):  # what else fills the disk: 80 of its 600 KB stay free
    try:
        with (root / "models" / "filler").open("ab", buffering=0) as stream:
            stream.write(b"0" * 4096)
    except OSError:
        break
main(["stage", "policy"])
"""


@pytest.mark.slow
@pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0
    if shutil.which("unshare")
    else True,
    reason="a small disk of one's own needs unshare with user namespaces",
)
def test_a_disk_that_fills_while_a_model_is_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "models").mkdir()
    raw = {"name": "t", "data": DATA, "policy": SCRATCH, "judge": {"kind": "none"}}
    raw["verifier"] = {"formula": "hard-only"}
    (tmp_path / "recipes" / "t.yaml").write_text(json.dumps(raw))
    (tmp_path / "params.yaml").write_text("recipe: t\ndata: none\n")
    prepare.run(Stage(tmp_path, parse_recipe(raw, "t"), tmp_path))
    (tmp_path / "full.py").write_text(FULL)
    inside = (
        f"mount -t tmpfs -o size=600k none models && mkdir models/policy && echo old > models/policy/config.json"
        f" && {sys.executable} full.py . ; code=$?; ls -A models; cat models/policy/config.json; exit $code"
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", inside], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr[-2000:]
    assert "verif: no space left on the disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[-3:] == ["filler", "policy", "old"]


def test_a_run_whose_evaluation_could_not_start_is_refused_first(tmp_path: Path) -> None:
    benchmarks = [{"name": "world-test"}, {"name": "ifeval"}, {"name": "multi-if", "path": "no/such.jsonl"}]
    made = _stage(tmp_path, evaluate={"benchmarks": benchmarks})
    with pytest.raises(RecipeError, match=r"ifeval: the recipe names no file.*no/such.jsonl does not exist"):
        prepare.run(made)
    assert not (tmp_path / "data").exists()
