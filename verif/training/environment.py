"""Where a run's files are, and what its processes need around them: variables and Ray. Pure."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from verif.recipe import Train
from verif.system.processor import threads

Value = str | int | float | bool | None
TOKEN = "ray-token"  # noqa: S105
"""The file in a run's folder that holds Ray's token (`supervise` makes it)."""
_LOGIN = re.compile(r"://[^/]*@")
"""An address that holds a password."""


class Notation(str):
    """A list or mapping written as Hydra writes it; any other text is a value and gets quoted."""

    __slots__ = ()


@dataclass(frozen=True)
class RunFiles:
    """The files of one run."""

    policy: Path
    train: Path
    validation: Path
    run: Path
    ray: Path


def ray(train: Train, places: RunFiles, environment: Mapping[str, str]) -> dict[str, Value]:
    """On CPU a small Ray of our own with one logical GPU; over several nodes, the cluster that is there."""
    hook: dict[str, Value] = {
        "+ray_kwargs.ray_init.runtime_env.worker_process_setup_hook": "verif.training.verl.queue_key.install"
    }
    if train.gpus:
        forwarded: dict[str, Value] = {
            f"+ray_kwargs.ray_init.runtime_env.env_vars.{key}": value
            for key, value in environment.items()
            if not _LOGIN.search(value)  # the nodes have it themselves; a command line is read by everybody
        }
        return hook | (forwarded if train.nodes > 1 else {})
    return hook | {
        "ray_kwargs.ray_init.num_cpus": 8,
        "+ray_kwargs.ray_init.num_gpus": 1,
        "+ray_kwargs.ray_init.include_dashboard": False,
        "+ray_kwargs.ray_init.object_store_memory": 200_000_000,
        "+ray_kwargs.ray_init._temp_dir": str(places.ray),
    }


def variables(train: Train, places: RunFiles, verifier_url: str, verifier_identity: str) -> dict[str, str]:
    """Variables of every process of the run."""
    values = {
        "VERL_USE_EXTERNAL_MODULES": "verif.training.verl.plugin",
        "VERIF_RUN_FOLDER": str(places.run),
        "VERIF_VERIFIER_URL": verifier_url,
        "VERIF_VERIFIER_IDENTITY": verifier_identity,
        "VERIF_REWARD_PATIENCE_S": f"{0.5 * train.step_timeout_s:g}",  # errors before the watchdog acts
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "HYDRA_FULL_ERROR": "1",
    }
    if train.nodes == 1:
        values |= alone(places)
    if not train.gpus:
        values |= {
            "VERIF_DEVICE": "cpu",
            "VERL_PLATFORM": "cpu",
            "VERL_ENGINE_DEVICE": "cuda",  # the FSDP engine is registered under this name
            "CUDA_VISIBLE_DEVICES": "0",  # Ray counts its logical GPU here
            "OMP_NUM_THREADS": str(threads(places.policy)),
            "VLLM_CPU_SGL_KERNEL": "0",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # lets vLLM's `uni` executor stand (see `command.rollout`)
            "RAY_worker_niceness": "0",  # 15 by default: beside other work it is training that would wait
            "RAY_enable_worker_prestart": "0",
            "RAY_prestart_worker_first_driver": "0",
        }
    if train.one_forward:
        values["VERIF_ONE_FORWARD"] = "1"
    return values


def alone(places: RunFiles) -> dict[str, str]:
    """A run on one machine: nothing of it can be reached from another one, and its Ray asks for the run's token.

    Over several nodes Ray's network is the cluster's, and so is the token (`preflight.train_checks`).
    """
    interface = "lo0" if sys.platform == "darwin" else "lo"
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(places.run / TOKEN),  # else Ray keeps one in the home directory
        # Ray's own switch between "other machines may join" and "this machine only": the latter makes 127.0.0.1
        # the node's address, which is what all of Ray, veRL and TransferQueue listen on.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "VERIF_LOOPBACK": "1",  # torch's stores (`verif.system.loopback`)
        "VLLM_HOST_IP": "127.0.0.1",
        "GLOO_SOCKET_IFNAME": interface,
        "NCCL_SOCKET_IFNAME": interface,
    }
