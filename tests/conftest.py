"""Shared fixtures: where the public reference data is, and a repository root. Tests import `support` from here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How fast a machine is decides no test: time is measured where a test says so, in processor time.
settings.register_profile("verif", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("verif")

LINES = 40
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files of which `-m` takes no test are not imported; what else is left out is pytest's own decision."""
    name = collection_path.name
    if not config.option.markexpr or not name.startswith("test_") or not name.endswith(".py"):
        return None
    from support.left_out import leaves_out

    return leaves_out(config.option.markexpr, collection_path.read_text("utf-8")) or None


class FailuresAtOnce:
    """Says why a test failed when it failed: a run that is cut off prints no summary. Of a test that is tried again, too."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is None or report.outcome not in ("failed", "rerun"):
            return
        for line in ("", report.nodeid, *report.longreprtext.splitlines()[-LINES:]):
            terminal.write_line(line[:500])


def pytest_configure(config: pytest.Config) -> None:
    """`make test` of a machine that nobody can look at."""
    if os.environ.get("CI"):
        config.pluginmanager.register(FailuresAtOnce(config))


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tests' own state folder, so that none writes a key or a service's state into the user's."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        patch.delenv("VERIF_CACHE_KEY_FILE", raising=False)
        yield folder


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository root."""
    return ROOT


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Public data files that are not part of the project; without them the test skips."""
    folder = Path(os.environ.get("VERIF_REFERENCE_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"reference data not found at {folder}; set VERIF_REFERENCE_DATA")
    return folder
