"""Checkpoints are data: what veRL keeps loads as such, and a shard that would run code is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from verif.errors import TrainingError  # noqa: E402
from verif.recipe import Train  # noqa: E402
from verif.service.lease import VerifierEndpoint  # noqa: E402
from verif.system.private import NotPrivateError, require_tree  # noqa: E402
from verif.training.export import merge  # noqa: E402
from verif.training.launch import reinforce  # noqa: E402
from verif.training.progress import RunFolder  # noqa: E402
from verif.training.supervise import claim  # noqa: E402

STRANGER = 65534


@pytest.fixture(scope="module")
def actor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What veRL's FSDP2 writes of a model, its optimizer, scheduler and generators: real DTensors."""
    import random

    import numpy as np
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    folder = tmp_path_factory.mktemp("actor")
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 2))
        fully_shard(model, mesh=init_device_mesh("cpu", (1,), mesh_dim_names=("fsdp",)))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        model(torch.ones(2, 4)).sum().backward()
        optimizer.step()
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)
        torch.save(model.state_dict(), folder / "model_world_size_1_rank_0.pt")
        torch.save(optimizer.state_dict(), folder / "optim_world_size_1_rank_0.pt")
        np.random.seed(0)  # as veRL keeps NumPy's generator
        rng = {"cpu": torch.get_rng_state(), "numpy": np.random.get_state(), "random": random.getstate()}
        extra = {"lr_scheduler": scheduler.state_dict(), "rng": rng}
        torch.save(extra, folder / "extra_state_world_size_1_rank_0.pt")
    finally:
        dist.destroy_process_group()
    return folder


class Evil:
    """Unpickling this makes the folder that it names."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, int]]:
        return os.mkdir, (str(self.path), 0o700)


def test_the_shards_of_a_real_model_are_joined(actor: Path) -> None:
    found = merge(actor)
    assert {name: tuple(tensor.shape) for name, tensor in found.items()} == {
        "0.weight": (4, 4),
        "0.bias": (4,),
        "1.weight": (2, 4),
        "1.bias": (2,),
    }
    assert all(type(tensor) is torch.Tensor for tensor in found.values())


def test_a_shard_that_would_run_code_is_refused(tmp_path: Path) -> None:
    shard, ran = tmp_path / "model_world_size_1_rank_0.pt", tmp_path / "ran"
    torch.save({"weight": Evil(ran)}, shard)
    with pytest.raises(TrainingError, match="holds more than tensors and was not loaded"):
        merge(tmp_path)
    shard.write_bytes(shard.read_bytes()[:200])
    with pytest.raises(TrainingError, match="damaged"):
        merge(tmp_path)
    assert not ran.exists()


RESUME = """
import sys
from pathlib import Path
import torch
import verif.training.verl.plugin  # what veRL imports in each of its processes
verif.training.data_only.install()  # once more changes nothing
actor, evil, ran = map(Path, sys.argv[1:])
for kind in ("model", "optim", "extra_state"):  # as veRL asks for them
    state = torch.load(actor / f"{kind}_world_size_1_rank_0.pt", weights_only=False)
import numpy, random
torch.set_rng_state(state["rng"]["cpu"])
numpy.random.set_state(state["rng"]["numpy"])
random.setstate(state["rng"]["random"])
assert numpy.random.randint(1000) == 684, "NumPy's generator goes on where it was"
for path in (evil, str(evil)):
    try:
        torch.load(path, weights_only=False)
    except Exception as error:
        assert "weights" in str(error).lower(), error
    else:
        raise SystemExit("it was loaded")
assert not ran.exists()
import io
print(torch.load(io.BytesIO(evil.read_bytes()), weights_only=False), ran.exists())
"""


@pytest.mark.slow
def test_what_verl_loads_from_files_is_data_only(actor: Path, tmp_path: Path) -> None:
    """In veRL's processes: its own states load, whatever it asks for; a hostile one does not."""
    evil, ran = tmp_path / "evil.pt", tmp_path / "ran"
    torch.save(Evil(ran), evil)
    line = [sys.executable, "-c", RESUME, str(actor), str(evil), str(ran)]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["None", "True"], "a buffer of the same run is left as it was"


def test_a_checkpoint_that_others_could_change_is_not_resumed(tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints"
    shard = checkpoints / "global_step_2" / "actor" / "optim.pt"
    shard.parent.mkdir(parents=True)
    shard.write_bytes(b"x")
    shard.chmod(0o664)  # as a umask of 002 makes it: the folder above keeps everybody out
    require_tree(checkpoints)
    shard.parent.chmod(0o777)
    with pytest.raises(NotPrivateError, match=r"others can write to .*/actor"):
        require_tree(checkpoints)
    shard.parent.chmod(0o755)
    (checkpoints / "link").symlink_to("/etc")
    with pytest.raises(NotPrivateError, match="symbolic link"):
        require_tree(checkpoints)
    (checkpoints / "link").unlink()
    tmp_path.chmod(0o777)
    with pytest.raises(NotPrivateError, match="others can write"):
        require_tree(checkpoints)
    tmp_path.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(shard, STRANGER, STRANGER)
        with pytest.raises(NotPrivateError, match=f"belongs to user {STRANGER}"):
            require_tree(checkpoints)


def test_training_looks_before_it_resumes(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    whole = folder.checkpoints / "global_step_2" / "data.pt"
    whole.parent.mkdir(parents=True)
    whole.write_bytes(b"x")
    folder.write_step(2, {"verif/step_s": 1})
    whole.chmod(0o666)
    stage: Any = SimpleNamespace(recipe=SimpleNamespace(train=Train(steps=4)))
    with pytest.raises(NotPrivateError, match=r"others can write to .*/data\.pt"):
        reinforce(stage, VerifierEndpoint("http://127.0.0.1:9", "x"), folder, lambda _step: None)


def test_a_run_is_kept_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    """What lies there names processes to end and a folder to remove."""
    precious = tmp_path / "precious"
    precious.mkdir()
    folder = RunFolder(tmp_path / "run")
    with claim(folder):
        assert folder.path.stat().st_mode & 0o077 == 0
    (folder.path / "attempt").write_text(f"no such marker\n{precious}\n")
    folder.path.chmod(0o777)
    with pytest.raises(NotPrivateError, match="others can write"), claim(folder):
        pass
    assert precious.is_dir()


VERL = """
import os, sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from types import SimpleNamespace
import torch
import verif.training.verl.plugin
import torch.distributed as dist
from omegaconf import OmegaConf
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from transformers import Qwen2Config, Qwen2ForCausalLM
from verl.utils.checkpoint.fsdp_checkpoint_manager import FSDPCheckpointManager
from verl.utils.torch_functional import get_constant_schedule_with_warmup

folder = Path(sys.argv[1])
dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
sizes = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2, intermediate_size=8)
model = Qwen2ForCausalLM(Qwen2Config(vocab_size=16, **sizes))
fully_shard(model, mesh=init_device_mesh("cpu", (1,), mesh_dim_names=("fsdp",)))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
model(torch.ones(1, 3, dtype=torch.long)).logits.sum().backward()
optimizer.step()
contents = ["model", "optimizer", "extra"]
manager = FSDPCheckpointManager(
    model=model,
    optimizer=optimizer,
    lr_scheduler=get_constant_schedule_with_warmup(optimizer, num_warmup_steps=0),
    processing_class=SimpleNamespace(save_pretrained=lambda *_, **__: None),
    checkpoint_config=OmegaConf.create({"load_contents": contents, "save_contents": contents}),
)
manager.save_checkpoint(str(folder), global_step=1)
manager.load_checkpoint(str(folder))
print("resumed")

class Evil:
    def __reduce__(self):
        return os.mkdir, (str(folder / "ran"),)

for kind in ("extra_state", "optim", "model"):
    torch.save(Evil(), folder / f"{kind}_world_size_1_rank_0.pt")
    try:
        manager.load_checkpoint(str(folder))
    except Exception as error:
        print(type(error).__name__)
print((folder / "ran").exists())
"""


@pytest.mark.slow
def test_verl_resumes_from_its_own_checkpoint_and_refuses_a_hostile_one(tmp_path: Path) -> None:
    pytest.importorskip("verl")
    done = subprocess.run([sys.executable, "-c", VERL, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.split()[-5:] == ["resumed", *["UnpicklingError"] * 3, "False"], done.stderr[-3000:]
