"""Who we are to the cluster: from inside a pod, or from the kubeconfig, whose plug-in is asked again when it must be.

A token of an exec plug-in (EKS, GKE, AKS, OIDC) is good for minutes and a run takes days: `reload` loads the
credentials once more, of the same context, whatever has become the current one meanwhile.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import yaml
from kubernetes_asyncio import client, config
from kubernetes_asyncio.client.rest import RESTClientObject
from kubernetes_asyncio.config import kube_config

from verif.errors import ClusterError

PLUGIN_S = 60.0
"""A plug-in that wants to be talked to (a login in a browser) is not waited for in the middle of a run."""
BROKEN = (config.ConfigException, yaml.YAMLError, AttributeError, TypeError, ValueError, OSError)
LOG_IN = "Set KUBECONFIG, or log in to the cluster first."


@dataclass
class Credentials:
    """A client's configuration and where it came from; `context` is empty inside a pod."""

    configuration: client.Configuration
    context: str = ""

    @property
    def renewable(self) -> bool:
        """Whether loading again can help: a pod's token is read from its file by the library itself."""
        return bool(self.context)

    async def load(self) -> None:
        """From the kubeconfig, its plug-in asked; one clear error if that does not work."""
        try:
            loading = config.load_kube_config(context=self.context, client_configuration=self.configuration)
            await asyncio.wait_for(loading, PLUGIN_S)
        except TimeoutError:
            raise ClusterError(
                f"the kubeconfig's plug-in gave no credentials within {PLUGIN_S:.0f} s.",
                "Log in to the cluster, then run again.",
            ) from None
        except BROKEN as error:
            raise ClusterError(f"no usable kubeconfig: {error}", LOG_IN) from None

    async def reload(self, api: client.ApiClient) -> None:
        """New credentials for a client in use; other certificates need other connections."""
        before = self.configuration.cert_file
        await self.load()
        if self.configuration.cert_file != before:
            await api.rest_client.close()
            api.rest_client = RESTClientObject(self.configuration)


async def find(context: str = "") -> Credentials:
    """A pod's own credentials, or the kubeconfig's; a missing file or the wrong context is one clear error."""
    try:
        config.load_incluster_config()
        return Credentials(client.Configuration.get_default_copy())
    except config.ConfigException:
        pass
    _require_file()
    try:
        _, active = config.list_kube_config_contexts()
    except BROKEN as error:
        raise ClusterError(f"no usable kubeconfig: {error}", LOG_IN) from None
    if not active:
        raise ClusterError("no usable kubeconfig: it names no current context.", LOG_IN)
    if context and active["name"] != context:
        raise ClusterError(
            f"the current kubeconfig context is {active['name']!r}, the cluster file wants {context!r}.",
            f"Run `kubectl config use-context {context}`.",
        )
    credentials = Credentials(client.Configuration(), active["name"])
    await credentials.load()
    return credentials


def _require_file() -> None:
    places = kube_config.KUBE_CONFIG_DEFAULT_LOCATION
    paths = [Path(path).expanduser() for path in places.split(os.pathsep) if path]
    if not any(path.exists() for path in paths):
        named = ", ".join(str(path) for path in paths)
        raise ClusterError(f"no usable kubeconfig: {named} does not exist.", LOG_IN)
