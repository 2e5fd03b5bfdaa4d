"""`make up` for those it is not for: pages in the user's browser, and other accounts of the machine."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from support.browser import chromium, sign_in

from flows.server import record_path

pytestmark = pytest.mark.slow
EVIL = "https://evil.example.org"
PREFECT = ["flows/filter", "deployments/filter", "flow_runs/", "work_pools/filter", "admin/database/clear"]
MLFLOW = ["api/2.0/mlflow/experiments/search", "ajax-api/2.0/mlflow/runs/search", "graphql"]
MLFLOW_PAGES = [
    "",
    "api/2.0/mlflow/experiments/get?experiment_id=0",
    "get-artifact",
    "version",
    "static-files/x",
]


def readable_elsewhere(answer: requests.Response, origin: str) -> bool:
    """Whether a browser would show the answer to a page of that origin."""
    return answer.headers.get("access-control-allow-origin") in ("*", origin)


def test_without_the_password_nothing_is_told_and_nothing_is_done(services: Any) -> None:
    for address, paths in ((f"{services.prefect}/api", PREFECT), (services.mlflow, MLFLOW)):
        for path in paths:
            for auth in (None, ("verif", "guess"), ("", "")):
                answer = requests.post(f"{address}/{path}", json={}, auth=auth, timeout=60)
                assert answer.status_code == 401, (path, answer.text)
    for path in MLFLOW_PAGES:
        assert requests.get(f"{services.mlflow}/{path}", timeout=60).status_code == 401, path
    for path in ("api/docs", "api/openapi.json", "api/admin/settings", "api/version"):
        assert requests.get(f"{services.prefect}/{path}", timeout=60).status_code == 401, path
    assert requests.post(f"{services.mlflow}/api/2.0/mlflow/experiments/search", json={"max_results": 1},
                         auth=services.login, timeout=60).status_code == 200  # fmt: skip


def test_a_page_from_elsewhere_reads_nothing_and_starts_nothing(services: Any) -> None:
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization",
    }
    for origin in (EVIL, "null", "http://localhost:3000", services.mlflow):
        headers = {"Origin": origin}
        asked = requests.options(
            f"{services.prefect}/api/flows/filter", headers=headers | preflight, timeout=60
        )
        assert not readable_elsewhere(asked, origin)
        with_password = {"auth": services.login, "headers": headers, "json": {}, "timeout": 60}
        answer = requests.post(f"{services.prefect}/api/flows/filter", **with_password)
        assert not readable_elsewhere(answer, origin)
    for origin in (EVIL, "null", "http://localhost:3000", services.prefect):
        headers = {"Origin": origin}
        asked = requests.options(f"{services.mlflow}/{MLFLOW[0]}", headers=headers | preflight, timeout=60)
        assert asked.status_code == 403
        assert not readable_elsewhere(asked, origin)
        # A browser adds a remembered password by itself, so here the origin alone must do.
        with_password = {"auth": services.login, "headers": headers, "json": {}, "timeout": 60}
        answer = requests.post(f"{services.mlflow}/{MLFLOW[0]}", **with_password)
        assert answer.status_code == 403
        assert not readable_elsewhere(answer, origin)
    rebound = {"Host": "evil.example.org:5000"}
    assert (
        requests.get(
            f"{services.mlflow}/version", headers=rebound, auth=services.login, timeout=60
        ).status_code
        == 403
    )


@pytest.mark.parametrize("path", ["events/in", "events/out", "logs/out", "task_runs/subscriptions/scheduled"])
def test_web_sockets_ask_for_it_too(services: Any, path: str) -> None:
    import websockets

    url = f"{services.prefect.replace('http', 'ws', 1)}/api/{path}"

    async def speak(**options: Any) -> None:
        async with websockets.connect(url, **options) as socket:
            await socket.send(json.dumps({"type": "auth", "token": "verif:guess"}))
            while True:
                said = json.loads(await asyncio.wait_for(socket.recv(), 30))
                assert said.get("type") != "auth_success", said

    for options in ({}, {"subprotocols": ["prefect"]}):
        with pytest.raises((websockets.exceptions.InvalidStatus, websockets.exceptions.ConnectionClosed)):
            asyncio.run(speak(**options))


def test_the_password_is_in_no_command_line_and_no_file_of_others(services: Any) -> None:
    password = services.login[1]
    family: list[psutil.Process] = []
    for pid, _ in json.loads(record_path(services.root).read_text()).values():
        family += [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    assert len(family) >= 3
    assert not [p.cmdline() for p in family if password in " ".join(p.cmdline())]
    listening = [
        c.laddr.ip for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}
    for folder in ("services", "prefect-server", "mlflow"):
        assert (services.root / ".verif" / folder).stat().st_mode & 0o077 == 0, folder
    for path in (services.root / ".verif" / "services").iterdir():
        if path.stat().st_mode & 0o077:
            assert password not in path.read_text(errors="replace"), path


def test_our_own_commands_find_the_password(services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from verif.registry.runs.mlflow import client

    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "PREFECT_API_AUTH_STRING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", services.mlflow)
    assert client(services.root).search_experiments(max_results=1)
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == services.login[1]


def test_in_a_browser_both_pages_ask_and_let_in_who_knows_it(services: Any, tmp_path: Path) -> None:
    from playwright.sync_api import Error as Refused

    user, password = services.login
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{services.prefect}/deployments", wait_until="domcontentloaded")
        sign_in(page, f"{user}:{password}")
        page.goto(f"{services.prefect}/deployments", wait_until="domcontentloaded")
        page.get_by_text("weekly").first.wait_for(timeout=60_000)
        page.screenshot(path=tmp_path / "prefect.png")
        stranger = browser.new_context()
        with pytest.raises(Refused, match="INVALID_AUTH"):  # a window would ask a person
            stranger.new_page().goto(services.mlflow)
        known = browser.new_context(http_credentials={"username": user, "password": password})
        mine = known.new_page()
        mine.goto(services.mlflow, wait_until="domcontentloaded")
        mine.get_by_text("Experiments").first.wait_for(timeout=60_000)
        mine.screenshot(path=tmp_path / "mlflow.png")
