"""A small HTTP server that speaks the part of the Kubernetes API a watcher needs.

Real HTTP, real list/watch semantics: resource versions rise, a watch streams JSON lines from the version it was
asked for and ends after `timeoutSeconds`, a version older than the retained history is answered 410 inside the
stream, creating a name twice is a 409 Status, deletion with a grace period sets `deletionTimestamp` first. The
test plays the part of the controllers by calling `update`.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from kubernetes_asyncio import client

Manifest = dict[str, Any]

WATCH_S = 0.3
"""A server may end a watch before it was asked to; here that keeps the tests short."""


def failure(code: int, reason: str, message: str) -> web.Response:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
    return web.json_response(body, status=code)


class ApiServer:
    def __init__(self) -> None:
        self.version = 100
        self.oldest = 0
        self.objects: dict[tuple[str, str], Manifest] = {}
        self.history: list[tuple[int, str, str, Manifest]] = []
        self.changed = asyncio.Event()
        self.pods: list[Manifest] = []
        self.events: list[Manifest] = []
        self.created: list[str] = []
        self.down = False
        self.token = ""  # the only one that is accepted, if there is one
        self.refusals: list[
            tuple[str, web.Response]
        ] = []  # answers to the next requests whose path holds a word
        self.asked: list[str] = []  # versions of kueue.x-k8s.io
        self.workloads: list[Manifest] = []  # Kueue's, served as v1beta2
        self.refuse_create: web.Response | None = None
        self.watch_gone = False
        self.drop_watch = False
        self.logs_hang = False
        self.log_text = "Traceback\nRuntimeError: CUDA error\n"
        self.watches = 0
        self.expired = 0
        self.looks = 0
        self.url = ""

    # ------------------------------------------------------------------- the controllers' side
    def _record(self, type: str, plural: str, obj: Manifest) -> None:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((self.version, type, plural, copy.deepcopy(obj)))
        self.changed.set()
        self.changed = asyncio.Event()

    def update(self, plural: str, name: str, **status: Any) -> None:
        obj = self.objects[plural, name]
        spec = status.pop("spec", {})
        obj["spec"] |= spec
        obj["status"] = {**obj.get("status", {}), **status}
        self._record("MODIFIED", plural, obj)

    def remove(self, plural: str, name: str) -> None:
        obj = self.objects.pop((plural, name))
        self._record("DELETED", plural, obj)

    def only(self, plural: str) -> str:
        names = [n for p, n in self.objects if p == plural]
        assert len(names) == 1, names
        return names[0]

    def condition(self, plural: str, name: str, type: str, reason: str = "", message: str = "") -> None:
        old = self.objects[plural, name].get("status", {}).get("conditions", [])
        new = {"type": type, "status": "True", "reason": reason, "message": message}
        self.update(plural, name, conditions=[*old, new])

    def pod(
        self, labels_of: str, plural: str = "jobs", suffix: str = "x1", deleted: bool = False, **status: Any
    ) -> str:
        name, labels = f"{labels_of}-{suffix}", self.objects[plural, labels_of]["metadata"]["labels"]
        metadata = {"name": name, "labels": dict(labels)}
        if deleted:
            metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        self.pods = [p for p in self.pods if p["metadata"]["name"] != name]
        self.pods.append({"metadata": metadata, "spec": {}, "status": status})
        return name

    def restart(self) -> None:
        """What a restarted API server no longer knows: the versions of before, from which nobody can watch."""
        self.version += 1
        self.oldest = self.version

    def event(self, kind: str, name: str, reason: str, message: str, component: str = "") -> None:
        self.version += 1
        at = f"2026-01-01T00:{self.version // 60 % 60:02}:{self.version % 60:02}Z"
        about = {"kind": kind, "name": name}
        event = {"involvedObject": about, "reason": reason, "message": message, "lastTimestamp": at}
        event["reportingComponent"] = component
        self.events.insert(0, event)  # the API gives them in no order

    # ------------------------------------------------------------------------- the API's side
    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.down:
            return failure(503, "ServiceUnavailable", "apiserver not ready")
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return failure(401, "Unauthorized", "Unauthorized")
        if "kueue.x-k8s.io" in request.path:
            self.asked.append(request.path.split("/")[3])
        for number, (word, answer) in enumerate(self.refusals):
            if word in request.path:
                del self.refusals[number]
                return web.Response(status=answer.status, text=answer.text, content_type="application/json")
        return await handler(request)

    async def _create(self, request: web.Request) -> web.Response:
        if self.refuse_create is not None:
            return self.refuse_create
        obj, plural = await request.json(), request.match_info["plural"]
        key = (plural, obj["metadata"]["name"])
        if key in self.objects:
            return failure(409, "AlreadyExists", f'{plural} "{key[1]}" already exists')
        obj["metadata"] |= {"uid": f"uid-{self.version}"}
        self.objects[key] = obj
        self.created.append(key[1])
        self._record("ADDED", plural, obj)
        return web.json_response(obj, status=201)

    async def _get(self, request: web.Request) -> web.Response:
        obj = self.objects.get((request.match_info["plural"], request.match_info["name"]))
        return web.json_response(obj) if obj else failure(404, "NotFound", "not found")

    async def _delete(self, request: web.Request) -> web.Response:
        key = (request.match_info["plural"], request.match_info["name"])
        if key not in self.objects:
            return failure(404, "NotFound", "not found")
        obj = self.objects[key]
        obj["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        self._record("MODIFIED", key[0], obj)
        asyncio.get_running_loop().call_later(0.1, lambda: self._collect(key))
        return web.json_response(obj)

    def _collect(self, key: tuple[str, str]) -> None:
        """The garbage collector: what an object owns goes with it."""
        gone = self.objects.pop(key, None)
        if gone is None:
            return
        uid = gone["metadata"]["uid"]
        for other, obj in list(self.objects.items()):
            if any(owner["uid"] == uid for owner in obj["metadata"].get("ownerReferences", [])):
                self._collect(other)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        plural, query = request.match_info["plural"], request.query
        if query.get("watch") in ("true", "True", "1"):
            return await self._watch(request, plural)
        items = [
            o
            for (p, _), o in self.objects.items()
            if p == plural
            and self._selected(o, query.get("labelSelector", ""))
            and o["metadata"]["name"] in query.get("fieldSelector", o["metadata"]["name"])
        ]
        return web.json_response(
            {"kind": "List", "items": items, "metadata": {"resourceVersion": str(self.version)}}
        )

    @staticmethod
    def _selected(obj: Manifest, selector: str) -> bool:
        labels = obj["metadata"].get("labels", {})
        return all(labels.get(k) == v for k, v in (part.split("=") for part in selector.split(",") if part))

    async def _watch(self, request: web.Request, plural: str) -> web.StreamResponse:
        self.watches += 1
        seen = int(request.query.get("resourceVersion") or 0)
        name = request.query["fieldSelector"].removeprefix("metadata.name=")
        response = web.StreamResponse()
        await response.prepare(request)

        async def send(type: str, obj: Manifest) -> None:
            await response.write(json.dumps({"type": type, "object": obj}).encode() + b"\n")

        if self.watch_gone or seen < self.oldest:
            self.watch_gone = False
            self.expired += 1
            await send(
                "ERROR",
                {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"},
            )
            return response
        if self.drop_watch:
            self.drop_watch = False
            await response.write(b'{"type": "MODI')
            assert request.transport is not None
            request.transport.close()
            return response
        asked = float(request.query.get("timeoutSeconds", 60))
        end = asyncio.get_running_loop().time() + min(asked, WATCH_S)
        while (left := end - asyncio.get_running_loop().time()) > 0:
            for version, type, kind, obj in self.history:
                if version > seen and kind == plural and obj["metadata"]["name"] == name:
                    seen = version
                    await send(type, obj)
            try:
                await asyncio.wait_for(self.changed.wait(), min(left, 0.1))
            except TimeoutError:
                continue
        return response

    async def _pods(self, request: web.Request) -> web.Response:
        self.looks += 1
        items = [p for p in self.pods if self._selected(p, request.query.get("labelSelector", ""))]
        return web.json_response({"kind": "PodList", "items": items})

    async def _events(self, request: web.Request) -> web.Response:
        field, _, value = request.query["fieldSelector"].removeprefix("involvedObject.").partition("=")
        items = [e for e in self.events if e["involvedObject"][field] == value]
        return web.json_response({"kind": "EventList", "items": items})

    async def _workloads(self, _: web.Request) -> web.Response:
        return web.json_response({"kind": "WorkloadList", "items": self.workloads})

    async def _log(self, request: web.Request) -> web.Response:
        if self.logs_hang:
            await asyncio.sleep(3600)
        return web.Response(text=self.log_text)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._gate])
        for plural in ("services", "configmaps"):
            app.router.add_post(f"/api/v1/namespaces/{{ns}}/{{plural:{plural}}}", self._create)
        for group in ("batch", "ray.io", "apps", "networking.k8s.io", "policy"):
            base = f"/apis/{group}/v1/namespaces/{{ns}}/{{plural}}"
            app.router.add_post(base, self._create)
            app.router.add_get(base, self._list)
            app.router.add_get(base + "/{name}", self._get)
            app.router.add_delete(base + "/{name}", self._delete)
        app.router.add_get("/apis/kueue.x-k8s.io/v1beta2/namespaces/{ns}/workloads", self._workloads)
        app.router.add_get("/api/v1/namespaces/{ns}/pods", self._pods)
        app.router.add_get("/api/v1/namespaces/{ns}/pods/{name}/log", self._log)
        app.router.add_get("/api/v1/namespaces/{ns}/events", self._events)
        return app


@asynccontextmanager
async def running() -> AsyncIterator[ApiServer]:
    server = ApiServer()
    runner = web.AppRunner(server.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def api_client(url: str) -> client.ApiClient:
    return client.ApiClient(client.Configuration(host=url))
