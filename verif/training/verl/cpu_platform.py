"""The CPU as a veRL platform, through veRL's own platform plug-in mechanism.

veRL schedules its workers on Ray's `GPU` resource, so one logical GPU is declared to Ray. Weights go to the
rollout engine through shared memory (`is_ipc_supported` is False), collectives through gloo.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import psutil
import torch
from verl.plugin.platform import PlatformBase, PlatformRegistry


class CPUModule(ModuleType):
    """`torch.cpu` with the names of `torch.cuda` that veRL uses and `torch.cpu` lacks."""

    def __init__(self) -> None:
        super().__init__("verif_cpu_device")

    def __getattr__(self, name: str) -> Any:
        return getattr(torch.cpu, name)

    def is_available(self) -> bool:
        """A CPU is always there."""
        return True

    def device_count(self) -> int:
        """One device per process."""
        return 1

    def current_device(self) -> str:
        """A device for `Tensor.to`, which an index would send to CUDA."""
        return "cpu"

    def get_device_name(self, *_: object) -> str:
        """For logs."""
        return "CPU"

    def nothing(self, *_: object, **__: object) -> None:
        """Calls that mean nothing on a CPU."""

    set_device = synchronize = empty_cache = ipc_collect = nothing
    reset_peak_memory_stats = reset_accumulated_memory_stats = set_per_process_memory_fraction = nothing

    def manual_seed(self, seed: int) -> None:
        """Seed torch."""
        torch.manual_seed(seed)

    manual_seed_all = manual_seed

    def get_rng_state(self, *_: object) -> torch.Tensor:
        """The state of torch's generator (checkpoints keep it)."""
        return torch.get_rng_state()

    def set_rng_state(self, state: torch.Tensor, *_: object) -> None:
        """Restore torch's generator."""
        torch.set_rng_state(state)

    def memory_allocated(self, *_: object) -> int:
        """Resident bytes of this process."""
        return int(psutil.Process().memory_info().rss)

    memory_reserved = memory_allocated

    def max_memory_allocated(self, *_: object) -> int:
        """Peak resident bytes of this process."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    max_memory_reserved = max_memory_allocated

    def mem_get_info(self, *_: object) -> tuple[int, int]:
        """Free and total bytes."""
        memory = psutil.virtual_memory()
        return int(memory.available), int(memory.total)


MODULE = CPUModule()


@PlatformRegistry.register(platform="cpu")
class PlatformCPU(PlatformBase):  # type: ignore[misc]
    """veRL's view of the CPU."""

    device_name = "cpu"
    vendor_name = "cpu"
    device_module = MODULE

    def is_available(self) -> bool:
        """Always."""
        return True

    def is_platform_available(self, use_smi_check: bool = False) -> bool:  # noqa: ARG002
        """Always: it is chosen by `VERL_PLATFORM=cpu`."""
        return True

    def current_device(self) -> str:  # type: ignore[override]
        """veRL hands this to `Tensor.to`."""
        return "cpu"

    def device_count(self) -> int:
        """One per process."""
        return 1

    def set_device(self, device_index: int) -> None:
        """Nothing to choose."""

    def synchronize(self, device_index: int | None = None) -> None:
        """CPU calls return when they are done."""

    def manual_seed(self, seed: int) -> None:
        """Seed torch."""
        torch.manual_seed(seed)

    def manual_seed_all(self, seed: int) -> None:
        """Seed torch."""
        torch.manual_seed(seed)

    def set_allocator_settings(self, settings: str) -> None:
        """No such allocator."""

    def empty_cache(self) -> None:
        """No such cache."""

    def get_device_capability(self, device_index: int = 0) -> tuple[None, None]:  # noqa: ARG002
        """No compute capability."""
        return None, None

    def communication_backend_name(self) -> str:
        """Collectives on CPU."""
        return "gloo"

    def visible_devices_envvar(self) -> str:
        """What Ray sets for its logical GPU."""
        return "CUDA_VISIBLE_DEVICES"

    @contextmanager
    def nvtx_range(self, msg: str) -> Iterator[None]:  # noqa: ARG002
        """No profiler ranges."""
        yield

    def profiler_start(self) -> None:
        """No profiler."""

    def profiler_stop(self) -> None:
        """No profiler."""

    def ray_resource_name(self) -> str:
        """A logical GPU, declared by `ray.init(num_gpus=1)`."""
        return "GPU"

    def ray_noset_envvars(self) -> list[str]:
        """As for CUDA."""
        return ["RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"]

    def is_ipc_supported(self) -> bool:
        """False: weights travel through shared memory."""
        return False

    def rollout_env_vars(self) -> dict[str, str]:
        """vLLM's CPU settings reach its server."""
        return {k: v for k, v in os.environ.items() if k.startswith("VLLM_") or k == "OMP_NUM_THREADS"}

    def cudart(self) -> None:
        """No CUDA runtime."""
