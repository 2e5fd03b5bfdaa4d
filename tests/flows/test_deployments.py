"""What a person does in the UI: see the deployments, press Run, look at the page, cancel."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
import yaml
from support.browser import chromium, sign_in
from support.headlines import REFUSED
from support.webhook import webhook

from flows import server
from flows.automations import NAME
from flows.server import alive, end, environment, record_path
from verif.project import STAGES
from verif.system import local_services

pytestmark = pytest.mark.slow


def test_everything_is_deployed_with_help_texts(services: Any) -> None:
    found = {
        f"{d['entrypoint'].split(':')[1]}/{d['name']}": d
        for d in services.call("POST", "/deployments/filter", limit=50)
    }
    assert {
        "pipeline/weekly",
        "pipeline/gpu",
        "evaluate_champion/nightly",
        "audit_verifier/weekly",
        "mutants/weekly",
        "promote/on-demand",
        "build/monthly",
        "rescore/on-demand",
    } <= set(found)
    for name, deployment in found.items():
        assert deployment["description"], name
        for key, schema in deployment["parameter_openapi_schema"]["properties"].items():
            if key != "directory":
                assert schema.get("description"), f"{name}: {key} has no help text"
        assert str(services.root) not in json.dumps(deployment["pull_steps"]), f"{name} names a checkout"
    pools = services.call("POST", "/work_pools/filter", limit=10)
    assert {p["name"]: p["type"] for p in pools} == {"local": "process", "gpu": "process"}
    assert [a["name"] for a in services.call("POST", "/automations/filter", limit=10)] == [NAME]
    assert requests.get(f"{services.mlflow}/health", timeout=10).text == "OK"


@pytest.fixture(scope="module")
def finished(services: Any) -> str:
    run = services.trigger("pipeline/weekly", recipe="local", overrides={"train.learning_rate": 0.0004})
    assert services.wait_for_end(run) == "COMPLETED", (
        services.root / ".verif/services/worker.log"
    ).read_text()[-3000:]
    return run


def test_a_run_through_the_api_runs_all_stages_in_a_clone(services: Any, finished: str) -> None:
    tasks = services.tasks(finished)
    assert set(STAGES) <= {t["name"] for t in tasks}
    assert all(t["state"]["type"] == "COMPLETED" for t in tasks)
    assert not (services.root / "reports").exists()
    (clone,) = (services.root / ".verif" / "clones").iterdir()
    assert "0.0004" in (clone / "recipes" / "local.yaml").read_text()
    assert (clone / "reports" / "train.json").is_file()


def test_the_run_says_what_it_is_and_what_came_out(services: Any, finished: str) -> None:
    run = services.call("GET", f"/flow_runs/{finished}")
    commit = subprocess.run(
        ["git", "rev-parse", "--short=7", "HEAD"],
        cwd=services.root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert run["name"] == f"local {commit} weekly"
    assert (run["state"]["type"], run["state"]["name"]) == ("COMPLETED", "Refused")
    assert "May not go out: gain: world-test fell." in run["state"]["message"]
    tasks = services.tasks(finished)
    states = {t["name"]: t["state"] for t in tasks}
    assert states["prepare"]["message"].startswith("Ran ")
    assert states["train"]["name"] == "Alarm"
    assert "reward 0.30 to 0.60. The watch raised 1, the first at step 41" in states["train"]["message"]
    # the last lines of a log are sent a moment after the state
    services.wait(lambda: any("May not go out" in line for line in services.logs(finished)), 30)
    assert any(line.startswith("train: Ran ") for line in services.logs(finished))


@pytest.mark.release
def test_a_worker_with_an_empty_workspace_serves_the_gpu_pool(
    services: Any, root: Path, tmp_path: Path
) -> None:
    """As the one in the cluster: its manifest's command and settings, with paths below a folder of this test."""
    pod = yaml.safe_load((root / "infra/k8s/base/worker.yaml").read_text())["spec"]["template"]["spec"]
    (init,), (container,) = pod["initContainers"], pod["containers"]
    places = {e["name"]: e["value"].replace("/workspace", str(tmp_path)) for e in container["env"]}
    subprocess.run(["git", "branch", "--force", "deployed"], cwd=services.root, check=True)
    # What the Secrets of its `envFrom` hold: servers of `up` ask for their password.
    secrets = local_services.credentials(":".join(services.login))
    env = environment(services.root, 0, 0) | places | secrets | {
        "PREFECT_API_URL": f"{services.prefect}/api", "MLFLOW_TRACKING_URI": services.mlflow,
        "VERIF_REPOSITORY": str(services.root), "VERIF_BRANCH": "deployed", "PREFECT_WORKER_WEBSERVER_PORT": "0",
    }  # fmt: skip
    del env["PREFECT_HOME"]  # below HOME then
    subprocess.run(init["command"], env=env, cwd=tmp_path, check=True)
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(
            ["prefect", *container["args"]],
            env=env,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        run = services.trigger("pipeline/gpu", recipe="local")
        services.wait(lambda: services.has_ended(run) or worker.poll() is not None)
        assert services.state(run) == "COMPLETED", (tmp_path / "log").read_text()[-3000:]
        (clone,) = (tmp_path / "verif" / ".verif" / "clones").iterdir()
        assert (clone / "reports" / "train.json").is_file()
    finally:
        end([psutil.Process(worker.pid)])


def test_a_run_from_a_stage_on_gets_the_earlier_results_back(services: Any, finished: str) -> None:
    changed = {"train.learning_rate": 0.0004, "evaluate.response_tokens": 48}
    run = services.trigger("pipeline/weekly", recipe="local", overrides=changed, from_stage="evaluate")
    assert services.wait_for_end(run) == "COMPLETED", (
        services.root / ".verif/services/worker.log"
    ).read_text()[-3000:]
    tasks = services.tasks(run)
    assert {t["name"] for t in tasks} & set(STAGES) == {"evaluate", "register"}
    clone = max((services.root / ".verif" / "clones").iterdir(), key=lambda p: p.stat().st_mtime)
    assert (clone / "reports" / "train.json").is_file()
    assert (clone / "rows.jsonl").is_file()


def test_its_numbers_and_pictures_are_artifacts(services: Any, finished: str) -> None:
    by_key = {artifact["key"]: artifact for artifact in services.artifacts(finished)}
    assert {f"{stage}-metrics" for stage in STAGES} <= set(by_key)
    assert "70" in by_key["train-metrics"]["data"]
    tables = {key: json.loads(a["data"]) for key, a in by_key.items() if a["type"] == "table"}
    assert max(len(rows) for rows in tables.values()) <= 20
    assert "881 more in" in by_key["evaluate-metrics"]["description"]
    shown = {row["metric"]: float(row["value"]) for row in tables["register-metrics"]}
    assert shown == pytest.approx(REFUSED.numbers())
    assert "data:image/svg+xml;base64," in by_key["train-pictures"]["data"]
    assert services.mlflow in by_key["mlflow"]["data"]
    report = by_key["report"]
    assert report["type"] == "markdown"
    assert report["description"].startswith(
        "Version 3, champion. Worse: 40.0% of prompts followed before, 30.0% after"
    )
    assert f"{services.mlflow}/#/models/m/versions/3" in report["data"]
    assert "### picture" in report["data"]  # the curves of training and evaluation


def test_the_run_page_shows_in_a_browser(services: Any, finished: str, tmp_path: Path) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{services.prefect}/deployments", wait_until="domcontentloaded")
        sign_in(page, ":".join(services.login))
        page.goto(f"{services.prefect}/runs/flow-run/{finished}", wait_until="domcontentloaded")
        page.get_by_text("Completed").first.wait_for(timeout=60_000)
        page.get_by_text("pipeline").first.wait_for(timeout=60_000)
        page.screenshot(path=tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 10_000


def test_a_block_of_the_teams_is_told_of_a_refusal(services: Any, finished: str) -> None:
    """And a block that does not exist is one line; a webhook that hangs holds up no run."""
    absent = services.python("-m", "flows.automations", VERIF_NOTIFY="custom-webhook/nobody")
    assert absent.returncode == 2
    assert "names the block 'custom-webhook/nobody', which does not exist" in absent.stderr
    with webhook() as (address, told):
        for name in ("team", "hang"):
            made = services.python(
                "-c",
                "from prefect.blocks.notifications import CustomWebhookNotificationBlock as B\n"
                f"B(name='{name}', url='{address}/{name}', json_data="
                "{'subject': '{{subject}}', 'body': '{{body}}'}).save('" + name + "', overwrite=True)",
            )
            assert made.returncode == 0, made.stderr[-2000:]
        for name, shorter in (("team", {}), ("hang", {"from_stage": "evaluate"})):
            told.clear()
            installed = services.python("-m", "flows.automations", VERIF_NOTIFY=f"custom-webhook/{name}")
            assert installed.returncode == 0, installed.stderr[-2000:]
            assert len(services.call("POST", "/automations/filter", limit=20)) == 6
            run = services.trigger(
                "pipeline/weekly", recipe="local", overrides={"train.learning_rate": 0.0004}, **shorter
            )
            assert services.wait_for_end(run) == "COMPLETED"
            states = {task["name"]: task["state"]["name"] for task in services.tasks(run)}
            assert states.get("train") == (None if shorter else "Restored")
            services.wait(lambda: any(b"gate refuses" in body for body in told), 60)
            assert any(b"May not go out: gain: world-test fell" in body for body in told)
    services.python("-m", "flows.automations", VERIF_NOTIFY="")
    assert [a["name"] for a in services.call("POST", "/automations/filter", limit=20)] == [NAME]


def test_a_second_training_waits_for_the_first_and_a_server_that_restarts_ends_neither(
    services: Any, finished: str
) -> None:
    """And cancelling the first stops the work below it."""

    def turns() -> int:
        limits = services.call("POST", "/v2/concurrency_limits/filter", limit=10)
        return next(int(limit["active_slots"]) for limit in limits if limit["name"] == "training")

    pid_file = services.root / "train.pid"
    pid_file.unlink(missing_ok=True)
    first = services.trigger("pipeline/weekly", recipe="local", overrides={"train.steps": 9999})
    services.wait(pid_file.is_file)
    second = services.trigger("pipeline/weekly", recipe="local", overrides={"train.learning_rate": 0.0003})
    services.wait(
        lambda: services.call("GET", f"/flow_runs/{second}")["state"]["name"] == "AwaitingConcurrencySlot"
    )
    assert turns() == 1
    pid = int(pid_file.read_text())
    assert psutil.pid_exists(pid)
    serving = psutil.Process(json.loads(record_path(services.root).read_text())["prefect"][0])
    end([serving])
    port = int(services.prefect.rpartition(":")[2])
    login = local_services.credentials(":".join(services.login))
    again = server.launch_prefect(services.root, port, environment(services.root, port, 0) | login)
    server.wait(f"{services.prefect}/api/health", again, "prefect")
    assert turns() == 1
    assert (services.state(first), services.state(second)) == ("RUNNING", "SCHEDULED")
    services.call("POST", f"/flow_runs/{first}/set_state", state={"type": "CANCELLING"})
    services.wait(
        lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 120
    )
    services.wait(lambda: services.state(first) == "CANCELLED", 120)
    assert services.wait_for_end(second) == "COMPLETED"
    assert turns() == 0
    assert {"train-metrics", "register-metrics"} <= {
        artifact["key"] for artifact in services.artifacts(second)
    }


def test_wrong_parameters_fail_in_one_line_without_a_retry(services: Any) -> None:
    run = services.trigger("pipeline/weekly", recipe="nonsense")
    assert services.wait_for_end(run) == "FAILED"
    assert "unknown recipe 'nonsense'" in services.call("GET", f"/flow_runs/{run}")["state"]["message"]


def test_a_second_up_is_refused(services: Any) -> None:
    from verif.errors import BusyError

    assert len(alive(services.root)) == 3
    with pytest.raises(BusyError, match="up already"):
        server.up(services.root, 0, 0)


def test_a_run_whose_machine_died_is_marked_as_crashed(services: Any, finished: str) -> None:
    """The last test of this file: it kills the worker with everything below it, as a lost machine does."""
    done = services.python("-c", "import asyncio, flows.automations as a; asyncio.run(a.install(45))")
    assert done.returncode == 0, done.stderr[-3000:]
    pid_file = services.root / "train.pid"
    pid_file.unlink(missing_ok=True)
    run = services.trigger("pipeline/weekly", recipe="local", overrides={"train.steps": 9999})

    def heartbeats() -> int:
        wanted = {
            "event": {"name": ["prefect.flow-run.heartbeat"]},
            "resource": {"id": [f"prefect.flow-run.{run}"]},
        }
        return int(services.call("POST", "/events/filter", filter=wanted, limit=10)["total"])

    services.wait(lambda: pid_file.is_file() and heartbeats() > 0)
    worker = psutil.Process(json.loads(record_path(services.root).read_text())["worker"][0])
    for process in [worker, *worker.children(recursive=True)]:
        process.kill()
    assert services.state(run) == "RUNNING"  # nobody was left to say otherwise
    services.wait(lambda: services.state(run) == "CRASHED")
    assert "No heartbeat for 45 s" in services.call("GET", f"/flow_runs/{run}")["state"]["message"]
