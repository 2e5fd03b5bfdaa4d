"""A thin client: raw objects in and out, one retry policy, and errors that say whose fault they are.

What can heal (5xx, 429, a broken connection) is retried here for `patience_s`; what the API server refuses is
raised at once with its own reason.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import stamina
from kubernetes_asyncio import client, config

from verif.cluster.config import Cluster
from verif.cluster.pod_spec import Manifest
from verif.errors import ClusterError

log = logging.getLogger("verif.cluster")
T = TypeVar("T")
API = {
    "Job": ("batch", "v1", "jobs"),
    "RayJob": ("ray.io", "v1", "rayjobs"),
    "Deployment": ("apps", "v1", "deployments"),
    "NetworkPolicy": ("networking.k8s.io", "v1", "networkpolicies"),
    "PodDisruptionBudget": ("policy", "v1", "poddisruptionbudgets"),
}


class Refused(ClusterError):
    """The API server said no; `status` is its HTTP status, the message its own reason."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(f"the cluster refused ({status}): {message}", hint)
        self.status, self.reason = status, message


class Unreachable(ClusterError):
    """The API server could not be reached for longer than the client's patience."""


def _reason(error: client.ApiException) -> str:
    try:
        return str(json.loads(error.body or "{}")["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason or error.status)


def _heals(error: Exception) -> bool:
    if isinstance(error, client.ApiException):
        return error.status in (None, 0, 429) or error.status >= 500
    return isinstance(error, aiohttp.ClientError | asyncio.TimeoutError | OSError)


class Kube:
    """Jobs, RayJobs, pods and events of one namespace."""

    def __init__(self, api: client.ApiClient, namespace: str, patience_s: float = 600.0) -> None:
        self.api, self.namespace, self.patience_s = api, namespace, patience_s
        self.custom, self.core = client.CustomObjectsApi(api), client.CoreV1Api(api)

    @classmethod
    async def connect(cls, namespace: str, context: str = "", patience_s: float = 600.0) -> Kube:
        """From inside a pod or from the kubeconfig; a missing file or the wrong context is one clear error."""
        try:
            config.load_incluster_config()
            return cls(client.ApiClient(), namespace, patience_s)
        except config.ConfigException:
            pass
        try:
            _, active = config.list_kube_config_contexts()
            if context and active and active["name"] != context:
                raise ClusterError(
                    f"the current kubeconfig context is {active['name']!r}, the cluster file wants {context!r}.",
                    f"Run `kubectl config use-context {context}`.",
                )
            configuration = client.Configuration()
            await config.load_kube_config(client_configuration=configuration)
        except config.ConfigException as error:
            raise ClusterError(
                f"no usable kubeconfig: {error}", "Set KUBECONFIG, or log in to the cluster first."
            ) from None
        return cls(client.ApiClient(configuration), namespace, patience_s)

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

    async def _call(self, function: Callable[[], Awaitable[T]]) -> T:
        try:
            async for attempt in stamina.retry_context(
                on=_heals, attempts=None, timeout=self.patience_s, wait_initial=0.2, wait_max=15.0
            ):
                with attempt:
                    return await function()
        except client.ApiException as error:
            if _heals(error):
                raise Unreachable(
                    f"the API server kept failing ({error.status}) for {self.patience_s:.0f} s."
                ) from error
            raise Refused(error.status, _reason(error)) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(
                f"the API server was unreachable for {self.patience_s:.0f} s: {error}"
            ) from error
        raise AssertionError("unreachable")

    async def create(self, manifest: Manifest) -> Manifest:
        """Create; an object of that name that is already there is a `Refused` with status 409."""
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
        except Refused as error:
            if error.status == 404:
                return None
            raise

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
        except Refused as error:
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
                async for line in response.content:
                    event = json.loads(line)
                    if event.get("type") == "ERROR":
                        log.info(
                            "watch of %s %s ended: %s", kind, name, event["object"].get("message", "expired")
                        )
                        return
                    if event.get("type") != "BOOKMARK":
                        yield event
        except (TimeoutError, client.ApiException, aiohttp.ClientError, OSError, ValueError) as error:
            log.info("watch of %s %s broke off: %s", kind, name, error)

    async def pods(self, selector: str) -> list[Manifest]:
        """The pods with these labels, as plain objects."""
        return await self._items(lambda: self.core.list_namespaced_pod(
            self.namespace, label_selector=selector, _preload_content=False, _request_timeout=30))  # fmt: skip

    async def events(self, name: str) -> list[Manifest]:
        """The events about one object, oldest first."""
        items = await self._items(lambda: self.core.list_namespaced_event(
            self.namespace, field_selector=f"involvedObject.name={name}",
            _preload_content=False, _request_timeout=30))  # fmt: skip
        return sorted(items, key=lambda e: str(e.get("lastTimestamp") or e.get("eventTime") or ""))

    async def _items(self, function: Callable[[], Awaitable[Any]]) -> list[Manifest]:
        async def read() -> list[Manifest]:
            async with await function() as response:
                if response.status >= 400:
                    raise client.ApiException(status=response.status, reason=response.reason)
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
