"""Buffers and disk follow the policy's own size, whatever the precision of its files, and the disk that is written to."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from verif.errors import SetupError
from verif.project import Stage
from verif.recipe import Train, load_recipe
from verif.system.weights import Counts, counts
from verif.training import preflight
from verif.training.command import job
from verif.training.environment import RunFiles
from verif.training.verl import patches

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
BUCKET = "actor_rollout_ref.rollout.checkpoint_engine.update_weights_bucket_megabytes"
QWEN = {"model.embed_tokens.weight": [151_936, 896], "model.norm.weight": [896]}


def model(folder: Path, tensors: dict[str, list[int]], *, bf16: bool = True, name: str = "model") -> Path:
    """A folder whose weight file has this header, and no weights: nothing else of it is read."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = "BF16" if bf16 else "F32"
    header = {key: {"dtype": kind, "shape": shape, "data_offsets": [0, 0]} for key, shape in tensors.items()}
    raw = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    (folder / f"{name}.safetensors").write_bytes(len(raw).to_bytes(8, "little") + raw)
    return folder


def bucket(policy: Path) -> int:
    places = RunFiles(policy, Path("/t"), Path("/v"), Path("/r"), Path("/tmp/ray"))
    line = job(Train(), places, experiment="x", verifier_url="http://v").arguments
    (value,) = [part.partition("=")[2] for part in line if part.startswith(f"{BUCKET}=")]
    return int(value)


def test_the_largest_tensor_fits_the_bucket_in_fp32(tmp_path: Path) -> None:
    real = bucket(model(tmp_path / "real", QWEN))
    assert 151_936 * 896 * 4 <= real * 2**20 < 151_936 * 896 * 4 + 2**20
    assert bucket(model(tmp_path / "tiny", {"a": [1280, 96]})) == 32
    assert bucket(tmp_path / "none") == 32


def test_every_file_counts_and_what_is_no_model_counts_nothing(tmp_path: Path) -> None:
    folder = model(tmp_path, QWEN)
    model(tmp_path, {"lm_head.weight": [7, 3], "scale": []}, name="second")
    assert counts(folder) == Counts(151_936 * 896 + 896 + 21 + 1, 151_936 * 896)
    for junk in (
        b"",
        b"\xff" * 8,
        (5).to_bytes(8, "little") + b"[1,2]",
        (9).to_bytes(8, "little") + b'{"a": {}}',
    ):
        (tmp_path / "second.safetensors").write_bytes(junk)
        assert counts(folder).parameters == 151_936 * 896 + 896


def test_rays_workers_do_not_give_way_to_everything_else() -> None:
    places = RunFiles(Path("/p"), Path("/t"), Path("/v"), Path("/r"), Path("/tmp/ray"))
    assert job(Train(), places, experiment="x", verifier_url="v").environment["RAY_worker_niceness"] == "0"
    gpu = job(Train(gpus=1), places, experiment="x", verifier_url="v").environment
    assert "RAY_worker_niceness" not in gpu


# ------------------------------------------------------------------------------------------------- disk
@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    model(tmp_path / "models" / "policy", {"w": [1000, 1000]})
    return Stage(tmp_path, load_recipe("local", RECIPES), tmp_path)


def free(monkeypatch: pytest.MonkeyPatch, size) -> None:
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: SimpleNamespace(free=size(Path(path))))


def test_four_checkpoints_of_a_watched_run_are_asked_for_and_no_more(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    need = 4 * 12 * 1_000_000 + (stage.models / "policy" / "model.safetensors").stat().st_size
    free(monkeypatch, lambda _: need)
    preflight.check_space(stage)
    free(monkeypatch, lambda _: need - 1)
    with pytest.raises(SetupError, match="4 checkpoints"):
        preflight.check_space(stage)


def test_ppos_critic_is_saved_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    train = stage.recipe.train.model_copy(update={"algorithm": "ppo"})
    ppo = Stage(stage.root, stage.recipe.model_copy(update={"train": train}), stage.source)
    free(monkeypatch, lambda _: 60_000_000)
    preflight.check_space(stage)
    with pytest.raises(SetupError, match="4 checkpoints"):
        preflight.check_space(ppo)


def test_the_disk_of_the_checkpoints_is_looked_at(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pod `.verif/runs` leads to the persistent claim; how full the scratch is says nothing about it."""
    claim = stage.root / "claim"
    claim.mkdir()
    stage.state.mkdir()
    (stage.state / "runs").symlink_to(claim, target_is_directory=True)
    free(monkeypatch, lambda path: 0 if path.resolve() == claim else 1 << 40)
    with pytest.raises(SetupError, match=r"runs has 0\.0 GB free"):
        preflight.check_space(stage)


def test_verl_is_looked_at_on_gpus_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another veRL would be found out after the models are loaded on eight devices."""
    train = stage.recipe.train.model_copy(update={"gpus": 8})
    stage = Stage(stage.root, stage.recipe.model_copy(update={"train": train}), stage.source)
    monkeypatch.setattr(preflight, "check_model", lambda _: None)
    monkeypatch.setattr(preflight.gpu, "checks", lambda *_: [])
    monkeypatch.setattr(patches, "version", lambda _: "0.10.0")
    with pytest.raises(SetupError, match=r"0\.10\.0 is installed"):
        preflight.check(stage)
