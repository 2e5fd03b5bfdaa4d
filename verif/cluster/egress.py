"""Where stages and judges may connect to. An administrator applies these (`verif cluster policies`), no run does.

The base denies them every way out (infra/k8s/base/network.yaml), so what is not applied here is closed. Kubernetes knows
addresses, not names: the networks of store, git and hub are the cluster file's `egress`. Without it, any address but
the link-local ones, where clouds keep their machines' credentials.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from verif.cluster.config import Cluster, Destination, Egress
from verif.cluster.network import dns_egress
from verif.cluster.pod_spec import Manifest
from verif.cluster.request import (
    HUB_LABEL,
    MANAGED_BY,
    NODES_LABEL,
    STAGE_LABEL,
    VERIFIER_LABEL,
    VERIFIER_PORT,
)

LINK_LOCAL = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128")
ANYWHERE = Egress(
    remote=tuple(Destination(cidr=cidr, ports=(443, 22)) for cidr in ("0.0.0.0/0", "::/0")),
    hub=tuple(Destination(cidr=cidr) for cidr in ("0.0.0.0/0", "::/0")),
)
MLFLOW_PORT = 5000


def stage_policies(cluster: Cluster) -> list[Manifest]:
    """One policy for every kind of need; a pod's labels say which needs it has (see `StageRequest.labels`)."""
    egress = cluster.egress or ANYWHERE
    mlflow = to_pods({"matchLabels": {"app.kubernetes.io/name": "mlflow"}}, MLFLOW_PORT)
    several = {"matchLabels": {NODES_LABEL: "several"}}
    judge = {"matchLabels": component("judge")}
    asks = to_pods({"matchLabels": component("verifier")}, VERIFIER_PORT)
    return [
        _policy(
            cluster, "verif-stage-egress", has(STAGE_LABEL), [*dns_egress(), mlflow, *outside(egress.remote)]
        ),
        _policy(cluster, "verif-stage-hub", {"matchLabels": {HUB_LABEL: "true"}}, outside(egress.hub)),
        _policy(cluster, "verif-stage-verifier", has(VERIFIER_LABEL), [asks]),
        _policy(cluster, "verif-stage-nodes", several, [{"to": [{"podSelector": several}]}]),
        _policy(cluster, "verif-judge-egress", judge, [*dns_egress(), *outside(egress.hub)]),
    ]


def component(name: str) -> dict[str, str]:
    """The labels of all verifiers, or of all judges."""
    return {"app.kubernetes.io/managed-by": MANAGED_BY, "app.kubernetes.io/component": name}


def has(label: str) -> Manifest:
    """Pods that carry a label, whatever its value."""
    return {"matchExpressions": [{"key": label, "operator": "Exists"}]}


def to_pods(selector: Manifest, port: int) -> Manifest:
    """The rule that lets out to pods of this namespace."""
    return {"to": [{"podSelector": selector}], "ports": [{"protocol": "TCP", "port": port}]}


def outside(destinations: Iterable[Destination]) -> list[Manifest]:
    """The rules that let out of the cluster; never to link-local addresses, however wide the network."""
    out: list[Manifest] = []
    for destination in destinations:
        network = ip_network(destination.cidr)
        inner = [cidr for cidr in LINK_LOCAL if _within(cidr, network)]
        block: Manifest = {"cidr": destination.cidr} | ({"except": inner} if inner else {})
        ports = [{"protocol": "TCP", "port": port} for port in destination.ports]
        out.append({"to": [{"ipBlock": block}], "ports": ports})
    return out


def _within(cidr: str, network: object) -> bool:
    inner = ip_network(cidr)
    return type(inner) is type(network) and inner.subnet_of(network)  # type: ignore[arg-type]


def _policy(cluster: Cluster, name: str, selector: Manifest, rules: list[Manifest]) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": name,
            "namespace": cluster.namespace,
            "labels": {"app.kubernetes.io/part-of": "verif"},
        },
        "spec": {"podSelector": selector, "policyTypes": ["Egress"], "egress": rules},
    }
