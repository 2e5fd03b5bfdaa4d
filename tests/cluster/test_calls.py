"""The failure table in docs/operations.md, what the API server says: expired tokens, restarts, outages, its sentences."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
import stamina
from support.apiserver import ApiServer, api_client, failure
from support.watched import Run, created

from verif.cluster.calls import ApiRefused, Calls, Limits, Unreachable
from verif.cluster.client import Kube
from verif.cluster.quota import hint
from verif.errors import ClusterError

PLUGIN = """
import json, pathlib
count = pathlib.Path({count!r})
n = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(n))
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                  "status": {{"token": f"token-{{n}}"}}}}))
"""
FORBIDDEN = 'jobs.batch "x" is forbidden: User "system:serviceaccount:verif:o" cannot list resource "jobs" in API group "batch"'


@pytest.fixture
def kubeconfig(server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig whose exec plug-in hands out a new token each time; it counts in a file."""
    from kubernetes_asyncio.config import kube_config

    plugin, path = tmp_path / "plugin.py", tmp_path / "config"
    plugin.write_text(PLUGIN.format(count=str(tmp_path / "count")))
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(plugin)],
        }
    }
    contexts = [{"name": name, "context": {"cluster": "c", "user": name}} for name in ("ours", "other")]
    users = [{"name": "ours", "user": user}, {"name": "other", "user": {"token": "of-another-cluster"}}]
    clusters = [{"name": "c", "cluster": {"server": server.url}}]
    kinds = {"apiVersion": "v1", "kind": "Config", "current-context": "ours"}
    path.write_text(json.dumps(kinds | {"contexts": contexts, "clusters": clusters, "users": users}))
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    return path


def elsewhere(kubeconfig: Path) -> None:
    """Somebody goes on to work with another cluster."""
    config = json.loads(kubeconfig.read_text())
    kubeconfig.write_text(json.dumps(config | {"current-context": "other"}))


def asked(kubeconfig: Path) -> str:
    """How often the plug-in was run."""
    return (kubeconfig.parent / "count").read_text()


async def test_a_token_that_has_expired_is_asked_for_again(
    server: ApiServer, kubeconfig: Path, request_: Any, cluster: Any
) -> None:
    server.token = "token-1"
    kube = await Kube.connect("verif", patience_s=4)
    run = Run(kube, request_, cluster)
    name = await created(server)
    server.token = "token-2"  # the first is worth nothing any more
    elsewhere(kubeconfig)
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 10)).phase == "succeeded"
    server.token = "token-3"  # hours later it has expired again
    assert await kube.get("Job", name) is not None
    assert asked(kubeconfig) == "3"
    await kube.close()


async def test_new_credentials_that_are_refused_too_end_the_run_at_once(
    server: ApiServer, kubeconfig: Path
) -> None:
    server.token = "token-1"
    kube = await Kube.connect("verif", patience_s=4)
    await kube.find("Job", "a=b")
    server.token = "never"
    with pytest.raises(ApiRefused, match=r"\(401\).*Log in to the cluster"):
        await asyncio.wait_for(kube.find("Job", "a=b"), 3)
    assert asked(kubeconfig) == "2", "the plug-in was asked more than once"
    await kube.close()


@pytest.mark.slow
async def test_after_a_restart_the_first_answers_are_not_believed(
    server: ApiServer, request_: Any, cluster: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "verif.cluster")
    kube = Kube(api_client(server.url), "verif", patience_s=60)
    run = Run(kube, request_, cluster)
    name = await created(server)
    forbidden = ("jobs", failure(403, "Forbidden", FORBIDDEN))  # the watch is refused first, then each list
    server.refusals = [forbidden, forbidden, ("jobs", failure(401, "Unauthorized", "no")),
                       ("jobs", failure(503, "ServiceUnavailable", "starting")), forbidden]  # fmt: skip
    server.restart()
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 30)).phase == "succeeded"
    await kube.close()
    assert server.refusals == []
    assert "suddenly refuses (trying for up to 60 s)" in caplog.text
    assert "cannot list resource" in caplog.text


@pytest.mark.slow
async def test_rayjobs_are_refused_then_not_served_for_a_while(server: ApiServer, kube: Kube) -> None:
    await kube.find("Job", "a=b")  # an earlier success
    server.refusals = [("rayjobs", failure(403, "Forbidden", FORBIDDEN)),
                       ("rayjobs", failure(503, "ServiceUnavailable", "rayjobs: not yet"))]  # fmt: skip
    assert await asyncio.wait_for(kube.get("RayJob", "x"), 5) is None
    assert server.refusals == []


@pytest.mark.slow
async def test_rights_that_were_never_there_are_said_at_once_and_lost_ones_within_the_stated_time(
    server: ApiServer,
) -> None:
    kube = Kube(api_client(server.url), "verif", patience_s=30, refused_s=0.8)
    server.refusals = [("jobs", failure(403, "Forbidden", FORBIDDEN))]
    with pytest.raises(ApiRefused, match="cannot list resource"):
        await kube.find("Job", "a=b")
    await kube.find("Job", "a=b")
    server.refusals = [("jobs", failure(403, "Forbidden", FORBIDDEN)) for _ in range(99)]
    with pytest.raises(ApiRefused, match="cannot list resource"):
        await asyncio.wait_for(kube.find("Job", "a=b"), 5)
    assert len(server.refusals) > 80
    await kube.close()


@pytest.mark.parametrize(
    "words",
    ['jobs "x" is forbidden: exceeded quota: verif, requested: count/jobs.batch=1, used: 50, limited: 50',
     'pods "x" is forbidden: violates PodSecurity "restricted:latest": privileged',
     'admission webhook "policy.example" denied the request: image not signed'],
)  # fmt: skip
async def test_what_quota_and_policies_refuse_is_not_asked_again(
    server: ApiServer, kube: Kube, words: str, request_: Any, cluster: Any
) -> None:
    from verif.cluster.watch import submit

    await kube.find("Job", "a=b")
    server.refusals = [("jobs", failure(403, "Forbidden", words)) for _ in range(2)]
    with pytest.raises(ClusterError) as caught:
        await submit(kube, request_, cluster)
    assert words in str(caught.value)
    assert len(server.refusals) == 1


@pytest.mark.slow
async def test_an_outage_comes_with_the_servers_sentence(server: ApiServer) -> None:
    kube = Kube(api_client(server.url), "verif", patience_s=1)
    sentence = 'Internal error occurred: failed calling webhook "x.example": no endpoints available'
    server.refusals = [("jobs", failure(500, "InternalError", sentence)) for _ in range(99)]
    with pytest.raises(Unreachable, match=r"kept failing \(500\) for 1 s: Internal.*failed calling webhook"):
        await kube.find("Job", "a=b")
    await kube.close()
    gone = Kube(api_client("http://127.0.0.1:9"), "verif", patience_s=0.5)
    with pytest.raises(Unreachable, match="Cannot connect to host"):
        await gone.find("Job", "a=b")
    await gone.close()


async def test_an_outage_is_said_in_one_line_after_some_seconds_and_so_is_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    now: list[float] = [0.0]
    asked: list[float] = []

    async def answer() -> str:
        asked.append(now[0])
        now[0] += 2.0  # each attempt takes two seconds
        if len(asked) < 6:
            raise TimeoutError
        return "well"

    with stamina.set_testing(True, attempts=99):  # no waiting in between
        assert await Calls(Limits(), clock=lambda: now[0])(answer) == "well"
    said = [record.getMessage() for record in caplog.records if record.name == "verif.cluster"]
    assert said == ["the API server does not answer (for 6 s; waiting up to 600 s): no answer in time",
                    "the API server answers again, after 12 s"]  # fmt: skip


@pytest.mark.slow
async def test_a_watch_after_a_restart_begins_where_the_server_does(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.pod(name, phase="Running")
    await run.until("running")
    server.restart()  # the object itself stays as it was, for hours
    await asyncio.sleep(1.5)
    assert server.expired <= 1, "each watch asks for a version that the server has forgotten"
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


def test_a_full_quota_names_what_makes_room() -> None:
    def full(resource: str) -> str:
        return hint(
            f"exceeded quota: verif, requested: {resource}=1, used: {resource}=50, limited: {resource}=50"
        )

    assert "--field-selector status.successful=1" in full("count/jobs.batch")
    assert "ttl_s" in full("count/rayjobs.ray.io")
    assert "gpus or nodes" in full("requests.nvidia.com/gpu")
    assert "gpus or nodes" in full("requests.amd.com/gpu")
    assert "memory_gb" in full("requests.memory")
    assert "scratch_gb" in full("requests.ephemeral-storage")
    assert "more quota" in full("pods")
    assert hint("admission webhook denied the request") == ""
