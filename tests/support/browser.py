"""Pages as a person sees them: Chromium without a window."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser of Playwright's; the test is skipped where none is installed."""
    path = shutil.which("chromium")
    if not path:
        pytest.skip("no chromium; .ci/setup installs it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def sign_in(page: Any, line: str) -> None:
    """Prefect's own login page, which keeps the password in the browser."""
    field = page.locator("input[type=password]")
    field.wait_for(timeout=60_000)
    field.fill(line)
    field.press("Enter")
    field.wait_for(state="detached", timeout=60_000)
