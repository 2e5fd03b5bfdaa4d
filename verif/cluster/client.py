"""A thin client: raw objects of one namespace in and out. What is tried again, and how failures are said: `calls`."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import stamina
from kubernetes_asyncio import client

from verif.cluster import logins
from verif.cluster.calls import ApiRefused, Calls, Limits, told
from verif.cluster.config import Cluster
from verif.cluster.pod_spec import Manifest

log = logging.getLogger("verif.cluster")
API = {
    "Job": ("batch", "v1", "jobs"),
    "RayJob": ("ray.io", "v1", "rayjobs"),
    "Deployment": ("apps", "v1", "deployments"),
    "NetworkPolicy": ("networking.k8s.io", "v1", "networkpolicies"),
    "PodDisruptionBudget": ("policy", "v1", "poddisruptionbudgets"),
}
KUEUE_VERSIONS = ("v1beta2", "v1beta1")
"""Of kueue.x-k8s.io, the one to ask first first."""


class Kube:
    """Jobs, RayJobs, pods and events of one namespace."""

    def __init__(
        self,
        api: client.ApiClient,
        namespace: str,
        patience_s: float = 600.0,
        renew: Callable[[], Awaitable[None]] | None = None,
        refused_s: float = 60.0,
    ) -> None:
        self.api, self.namespace = api, namespace
        self._call = Calls(Limits(outage_s=patience_s, refused_s=refused_s), renew)
        self.custom, self.core = client.CustomObjectsApi(api), client.CoreV1Api(api)
        self._kueue: tuple[str, ...] = KUEUE_VERSIONS

    @classmethod
    async def connect(cls, namespace: str, context: str = "", patience_s: float = 600.0) -> Kube:
        """From inside a pod or from the kubeconfig; a missing file or the wrong context is one clear error."""
        stamina.instrumentation.set_on_retry_hooks(
            ()
        )  # an outage is said in one line of `calls`, not per attempt
        login = await logins.find(context)
        api = client.ApiClient(login.configuration)
        return cls(api, namespace, patience_s, (lambda: login.reload(api)) if login.renewable else None)

    @classmethod
    @asynccontextmanager
    async def connected(cls, cluster: Cluster, patience_s: float = 600.0) -> AsyncIterator[Kube]:
        """`connect` to what a cluster file names, for the length of a block."""
        kube = await cls.connect(cluster.namespace, cluster.context, patience_s)
        try:
            yield kube
        finally:
            await kube.close()

    async def close(self) -> None:
        """Close the connection pool."""
        await self.api.close()

    async def create(self, manifest: Manifest) -> Manifest:
        """Create; an object of that name that is already there is a `ApiRefused` with status 409."""
        if manifest["kind"] in ("Service", "ConfigMap"):
            return await self._create_core(manifest)
        group, version, plural = API[manifest["kind"]]
        return await self._call(
            lambda: self.custom.create_namespaced_custom_object(
                group, version, self.namespace, plural, manifest, _request_timeout=30
            )
        )

    async def _create_core(self, manifest: Manifest) -> Manifest:
        core: Any = {
            "Service": self.core.create_namespaced_service,
            "ConfigMap": self.core.create_namespaced_config_map,
        }[manifest["kind"]]
        await self._call(lambda: core(self.namespace, manifest, _request_timeout=30))
        return manifest

    async def get(self, kind: str, name: str) -> Manifest | None:
        """The object, or None."""
        group, version, plural = API[kind]
        try:
            return await self._call(
                lambda: self.custom.get_namespaced_custom_object(
                    group, version, self.namespace, plural, name, _request_timeout=30
                )
            )
        except ApiRefused as error:
            if error.status == 404:
                return None
            raise

    async def look(self, kind: str, name: str) -> tuple[Manifest | None, str]:
        """The object, or None, and the version to watch from: the list's, since an old object's own may be forgotten."""
        group, version, plural = API[kind]
        page = await self._call(
            lambda: self.custom.list_namespaced_custom_object(
                group, version, self.namespace, plural,
                field_selector=f"metadata.name={name}", _request_timeout=30,
            )
        )  # fmt: skip
        return next(iter(page["items"]), None), str(page["metadata"].get("resourceVersion", ""))

    async def find(self, kind: str, selector: str) -> list[Manifest]:
        """All objects with these labels."""
        group, version, plural = API[kind]
        page = await self._call(
            lambda: self.custom.list_namespaced_custom_object(
                group, version, self.namespace, plural, label_selector=selector, _request_timeout=30
            )
        )
        return list(page["items"])

    async def delete(self, kind: str, name: str) -> None:
        """Delete with everything below it; already gone is fine."""
        group, version, plural = API[kind]
        body = client.V1DeleteOptions(propagation_policy="Foreground")
        try:
            await self._call(
                lambda: self.custom.delete_namespaced_custom_object(
                    group, version, self.namespace, plural, name, body=body, _request_timeout=30
                )
            )
        except ApiRefused as error:
            if error.status != 404:
                raise

    async def changes(
        self, kind: str, name: str, version_seen: str, seconds: float
    ) -> AsyncIterator[Manifest]:
        """Watch events of one object for at most `seconds`. Ends quietly on 410, a broken stream or expiry: list again."""
        group, version, plural = API[kind]
        try:
            response = await self.custom.list_namespaced_custom_object(
                group, version, self.namespace, plural, field_selector=f"metadata.name={name}",
                resource_version=version_seen, watch=True, timeout_seconds=max(1, round(seconds)),
                _preload_content=False, _request_timeout=seconds + 15,
            )  # fmt: skip
            async with response:
                if response.status >= 400:
                    return
                async for line in response.content:
                    event = json.loads(line)
                    if event.get("type") == "ERROR":
                        log.debug(
                            "watch of %s %s ended: %s", kind, name, event["object"].get("message", "expired")
                        )
                        return
                    if event.get("type") != "BOOKMARK":
                        yield event
        except (TimeoutError, client.ApiException, aiohttp.ClientError, OSError, ValueError) as error:
            log.debug("watch of %s %s broke off: %s", kind, name, told(error))

    async def pods(self, selector: str) -> list[Manifest]:
        """The pods with these labels, as plain objects."""
        return await self._items(lambda: self.core.list_namespaced_pod(
            self.namespace, label_selector=selector, _preload_content=False, _request_timeout=30))  # fmt: skip

    async def events(self, name: str) -> list[Manifest]:
        """The events about one object, oldest first."""
        return await self._events(f"involvedObject.name={name}")

    async def events_below(self, kind: str, name: str) -> list[Manifest]:
        """The events, oldest first, about objects of a kind whose names a controller made from `name`."""
        events = await self._events(f"involvedObject.kind={kind}")
        return [event for event in events if event["involvedObject"]["name"].startswith(f"{name}-")]

    async def _events(self, selector: str) -> list[Manifest]:
        items = await self._items(lambda: self.core.list_namespaced_event(
            self.namespace, field_selector=selector, _preload_content=False, _request_timeout=30))  # fmt: skip
        return sorted(items, key=_when)

    async def workload(self, uid: str) -> Manifest | None:
        """Kueue's Workload of the object with that uid; None as well where Workloads may not be read or are not served."""
        while self._kueue:
            try:
                page = await self.custom.list_namespaced_custom_object(
                    "kueue.x-k8s.io", self._kueue[0], self.namespace, "workloads", _request_timeout=30)  # fmt: skip
            except client.ApiException as error:
                if error.status not in (403, 404):
                    return None  # its words are for the user only: the next look asks again
                self._kueue = self._kueue[1:] if error.status == 404 else ()
            except (TimeoutError, aiohttp.ClientError, OSError):
                return None
            else:
                return next((w for w in page["items"] if uid in _owners(w)), None)
        return None

    async def _items(self, function: Callable[[], Awaitable[Any]]) -> list[Manifest]:
        async def read() -> list[Manifest]:
            async with await function() as response:
                if response.status >= 400:
                    error = client.ApiException(status=response.status, reason=response.reason)
                    error.body = await response.text()
                    raise error
                return list((await response.json())["items"])

        return await self._call(read)

    async def logs(self, pod: str, lines: int = 40) -> str:
        """The last lines of a pod's log; best effort, an empty string when there are none to be had."""
        try:
            text = await self.core.read_namespaced_pod_log(
                pod, self.namespace, tail_lines=lines, _request_timeout=15
            )
            return str(text or "")
        except (TimeoutError, client.ApiException, aiohttp.ClientError, OSError):
            return ""


def _when(event: Manifest) -> str:
    last = event.get("lastTimestamp") or (event.get("series") or {}).get("lastObservedTime")
    return str(last or event.get("eventTime") or "")


def _owners(obj: Manifest) -> set[str]:
    return {owner["uid"] for owner in obj["metadata"].get("ownerReferences") or []}
