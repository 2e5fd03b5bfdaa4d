"""Changes to third-party code that its extension points do not allow: one file each.

Each module holds `PACKAGE` and `VERSION` (what it was written against), `MODULE` (patched right after that
module is imported), `WHERE` (the upstream line), its reason in the docstring, and `apply()`. With any other
version of the package a run fails at once: a patch that no longer fits must be looked at, not carried along.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from verif.errors import SetupError
from verif.training.verl.after_import import after_import


def patches() -> tuple[ModuleType, ...]:
    """Those of a run on CPU, in order."""
    from verif.training.verl.patches import (
        critic_model,
        grouped_puts,
        merged_precision,
        offload_policy,
        one_loop,
        one_server,
        process_group,
        reward_here,
        token_loop,
    )

    return (
        process_group,
        offload_policy,
        critic_model,
        grouped_puts,
        one_loop,
        one_server,
        reward_here,
        token_loop,
        merged_precision,
    )


def patches_for_gpus() -> tuple[ModuleType, ...]:
    """Those of a run on GPUs."""
    from verif.training.verl.patches import token_loop

    return (token_loop,)


def check(patch: ModuleType) -> None:
    """`SetupError` unless the installed package is the version the patch was written against."""
    try:
        installed = version(patch.PACKAGE)
    except PackageNotFoundError:
        installed = "none"
    if installed.split("+")[0] != patch.VERSION:
        raise SetupError(
            f"{patch.__name__} patches {patch.PACKAGE} {patch.VERSION} ({patch.WHERE}), but {installed} is installed.",
            f"Install by the lock (`make setup`), or read {patch.WHERE} again and renew the patch.",
        )


def check_all() -> None:
    """Check every patch; called before a run is started, where the message reaches the user."""
    for patch in {*patches(), *patches_for_gpus()}:
        check(patch)


def install(chosen: tuple[ModuleType, ...]) -> None:
    """In a veRL process: apply each patch as soon as its module is there."""
    for patch in chosen:
        check(patch)
        after_import(patch.MODULE, patch.apply)
