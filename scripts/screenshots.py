"""Pictures of the consoles, as people see them, from what `make up` shows: `python scripts/screenshots.py [FOLDER]`.

Needs `make up`, one ended run of the pipeline there, chromium, and the package playwright. A page that does not show
what it should within a minute is named, and the others are made all the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, sync_playwright

from verif.project import load_stage
from verif.registry.runs.mlflow import client, experiment
from verif.registry.store import open_registry
from verif.system import local_services

WAIT_MS = 60_000
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTLED = """
localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
"""
"""MLflow's page for somebody who has closed the panel beside it, which takes a third of the width."""


def asked(url: str, login: str, path: str, body: dict[str, Any]) -> Any:
    """An answer of Prefect's API."""
    request = urllib.request.Request(  # noqa: S310
        f"{url}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Basic {b64encode(login.encode()).decode()}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def main() -> int:
    """Make all of them; the exit code is the number of pages that could not be shown."""
    root = Path.cwd()
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else root / ".verif" / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    if not (servers := local_services.addresses(root)):
        print("verif: the services are not up: `make up`.", file=sys.stderr)
        return 2
    os.environ |= servers
    local_services.adopt(root)
    api, login = os.environ["PREFECT_API_URL"], os.environ["PREFECT_API_AUTH_STRING"]
    prefect, mlflow_page = api.removesuffix("/api"), os.environ["MLFLOW_TRACKING_URI"]
    stage = load_stage(root)
    mlflow, registry = client(root), open_registry(stage)
    where = experiment(mlflow, stage)
    ended = "status = 'FINISHED' and metrics.steps > 0 and run_name != 'register'"
    runs = mlflow.search_runs([where], ended, max_results=2)
    flows = asked(api, login, "/flow_runs/filter", {"sort": "START_TIME_DESC", "limit": 20})
    shown = [run["id"] for run in flows if run["name"].startswith(stage.recipe.name)]
    versions = registry.versions()
    if not shown or not versions or not runs:
        print(
            "verif: there is nothing to see yet. Press Run on the deployment pipeline/weekly, or "
            "`prefect deployment run pipeline/weekly`, and wait for its end.",
            file=sys.stderr,
        )
        return 2
    subprocess.run([sys.executable, "-m", "dvc", "plots", "show", "-q"], cwd=root, check=True)
    ids = json.dumps([run.info.run_id for run in runs])
    number = versions[-1].number
    pages: dict[str, tuple[str, str]] = {
        "prefect-run": (f"{prefect}/runs/flow-run/{shown[0]}", "train"),
        "prefect-deployments": (f"{prefect}/deployments", "weekly"),
        "mlflow-runs": (f"{mlflow_page}/#/experiments/{where}/runs", "points"),
        "mlflow-version": (f"{mlflow_page}/#/models/{registry.name}/versions/{number}", "points"),
        "mlflow-compare": (
            f'{mlflow_page}/#/compare-runs?runs={ids}&experiments=["{where}"]',
            "learning_rate",
        ),
        "dvc-plots": ((root / "dvc_plots" / "index.html").as_uri(), "Reward, accepted"),
    }
    user, password = login.split(":", 1)
    failed = 0
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        context = browser.new_context(
            viewport={"width": 1440, "height": 900},
            http_credentials={"username": user, "password": password, "origin": mlflow_page},
        )
        context.add_init_script(SETTLED)
        page = context.new_page()
        failed += not tried("log in to Prefect", lambda: log_in(page, prefect, login))
        for name, (url, words) in pages.items():
            failed += not tried(name, lambda: picture(page, url, words, folder / f"{name}.png"))  # noqa: B023
        browser.close()
    print(f"Pictures: {folder}")
    return failed


def tried(what: str, do: Callable[[], None]) -> bool:
    """Whether it worked; if not, a line says what the browser said."""
    try:
        do()
    except Error as error:
        print(f"{what}: {str(error).splitlines()[0]}", file=sys.stderr)
        return False
    return True


def log_in(page: Page, prefect: str, login: str) -> None:
    """Prefect's page asks for the password once."""
    page.goto(f"{prefect}/deployments", wait_until="domcontentloaded")
    field = page.locator("input[type=password]")
    field.fill(login, timeout=WAIT_MS)
    field.press("Enter")
    field.wait_for(state="detached", timeout=WAIT_MS)


def picture(page: Page, url: str, words: str, path: Path) -> None:
    """The page, once it shows these words."""
    page.goto(url, wait_until="domcontentloaded")
    try:
        shown = page.get_by_text(words).first
        shown.wait_for(timeout=WAIT_MS)
        if "compare" in path.stem:
            shown.scroll_into_view_if_needed()  # below what nobody has chosen yet
    finally:
        page.wait_for_timeout(3000)
        page.screenshot(path=path)


if __name__ == "__main__":
    sys.exit(main())
