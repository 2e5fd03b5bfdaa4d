from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from support import apiserver
from support.doctor_api import Api
from support.remote import project, s3

from verif.cluster.client import Kube
from verif.cluster.config import Cluster
from verif.cluster.request import StageRequest
from verif.recipe import Recipe

__all__ = ["project", "s3"]

DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def cluster() -> Cluster:
    images = {
        role: f"registry.example/verif/{role}@{DIGEST}"
        for role in ("orchestrator", "verifier", "trainer", "cpu")
    }
    return Cluster(repository="https://git.example/team/verif.git", images=images, queue="")


@pytest.fixture
def recipe() -> Recipe:
    return Recipe.model_validate(
        {
            "name": "tulu3-8b",
            "data": {"kind": "verinstruct"},
            "policy": {"kind": "hub", "repo": "org/policy", "revision": "a" * 40, "digest": "d" * 64},
            "judge": {"kind": "hub", "repo": "org/judge", "revision": "b" * 40, "digest": "e" * 64},
            "resources": {
                "train": {
                    "executor": "kubernetes",
                    "gpus": 8,
                    "memory_gb": 512,
                    "cpus": 64,
                    "gpu_type": "H800",
                },
                "evaluate": {"executor": "kubernetes", "gpus": 1, "memory_gb": 64, "cpus": 8},
            },
        }
    )


@pytest.fixture
def request_(recipe: Recipe) -> StageRequest:
    return StageRequest(recipe, "train", "c" * 40, {"train.steps": 20})


@pytest.fixture
async def server() -> AsyncIterator[apiserver.ApiServer]:
    async with apiserver.running() as running:
        yield running


@pytest.fixture
async def kube(server: apiserver.ApiServer) -> AsyncIterator[Kube]:
    kube = Kube(apiserver.api_client(server.url), "verif", patience_s=4)
    yield kube
    await kube.close()


@pytest.fixture
def start(kube: Kube, request_: StageRequest, cluster: Cluster) -> Any:
    from support.watched import Run

    runs: list[Run] = []

    def go(**options: Any) -> Run:
        runs.append(Run(kube, options.pop("request", request_), options.pop("cluster", cluster), **options))
        return runs[-1]

    yield go
    for run in runs:
        run.task.cancel()


@pytest.fixture
async def api() -> AsyncIterator[tuple[Api, Kube]]:
    api, app = Api(), web.Application()
    app.router.add_post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", api.review)
    app.router.add_get("/api/v1/nodes", api.list_nodes)
    app.router.add_get("/{path:.*}", api.thing)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    kube = Kube(apiserver.api_client(f"http://127.0.0.1:{runner.addresses[0][1]}"), "verif", patience_s=2)
    yield api, kube
    await kube.close()
    await runner.cleanup()
