"""Why Kueue lets a Job wait: it says so of the Workload that it made for the Job, in a condition and in events."""

from __future__ import annotations

from verif.cluster.client import Kube
from verif.cluster.pod_spec import Manifest


async def words(kube: Kube, obj: Manifest) -> str:
    """Kueue's last words about a suspended object; empty if it has said nothing, or nothing that we may read."""
    workload = await kube.workload(str(obj["metadata"].get("uid", "")))
    if workload is not None:
        if said := waiting_for(workload):
            return said
        events = await kube.events(workload["metadata"]["name"])
    else:
        events = await kube.events_below("Workload", f"{obj['kind'].lower()}-{obj['metadata']['name']}")
    told = [e for e in events if str(e.get("reportingComponent", "")).startswith("kueue")]
    return str(told[-1].get("message", "")) if told else ""


def waiting_for(workload: Manifest) -> str:
    """What a Workload's conditions lack: a queue that exists, quota, or an admission check."""
    conditions = {c["type"]: c for c in (workload.get("status") or {}).get("conditions") or []}
    for kind in ("QuotaReserved", "Admitted"):
        if conditions.get(kind, {}).get("status") == "False":
            return str(conditions[kind].get("message", ""))
    return ""
