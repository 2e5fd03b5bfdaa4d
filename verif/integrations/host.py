"""Which version of a host library is installed, against the one an integration was written for."""

from __future__ import annotations

import warnings
from importlib.metadata import PackageNotFoundError, version


def written_for(package: str, known: str) -> tuple[int, ...]:
    """The host's version (major, minor), or () if it is unknown; says so if it is not the one an integration knows."""
    try:
        here = version(package)
    except PackageNotFoundError:
        return ()
    if here.split(".")[:2] != known.split("."):
        warnings.warn(
            f"verif's integration was written for {package} {known}; {here} is installed.", stacklevel=3
        )
    return tuple(int(part) for part in here.split(".")[:2] if part.isdecimal())
