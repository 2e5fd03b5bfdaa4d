"""The parts of the Kubernetes API that the doctor asks, with switches for what is missing."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from support.apiserver import failure


class Api:
    """The parts of the API the doctor asks, with switches for what is missing."""

    def __init__(self) -> None:
        self.denied: set[tuple[str, str]] = set()
        self.missing: set[str] = set()
        self.hidden: set[str] = set()
        self.nodes: list[dict[str, Any]] = []
        self.silent = False
        self.asked: list[str] = []

    async def review(self, request: web.Request) -> web.Response:
        if self.silent:
            await asyncio.sleep(30)
        body = await request.json()
        asked = body["spec"]["resourceAttributes"]
        part = f"/{asked['subresource']}" if asked.get("subresource") else ""
        allowed = (asked["verb"], asked["resource"] + part) not in self.denied
        return web.json_response({**body, "status": {"allowed": allowed}}, status=201)

    async def thing(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        name = request.path.rsplit("/", 1)[-1]
        if any(word in request.path for word in self.missing if "/" in word):
            return failure(404, "NotFound", name)
        if name in self.missing:
            return failure(404, "NotFound", name)
        if name in self.hidden:
            return failure(403, "Forbidden", name)
        return web.json_response({"metadata": {"name": name}, "items": []})

    async def list_nodes(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.nodes})
