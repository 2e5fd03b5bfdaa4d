"""The fuzzers of prompts and rows find nothing in a short while; `make fuzz` gives them longer."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest


def _fuzzer(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("name", ["prompts", "rows"])
def test_nothing_is_found_in_a_moment(name: str) -> None:
    found = _fuzzer(name).run(7, 0.3)
    assert found["failures"] == []
    assert found["runs"]
