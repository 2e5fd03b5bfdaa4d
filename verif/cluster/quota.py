"""What to do when a quota is full: the quota's words name the resource, and each has its own remedy."""

from __future__ import annotations

import re

MANAGED = "-l app.kubernetes.io/managed-by=verif"
FINISHED = "Finished ones count too, until ttl_s in the cluster file is over. Delete them:"
REMEDIES = (
    (r"count/jobs\.batch",
     f"{FINISHED} `kubectl delete jobs {MANAGED} --field-selector status.successful=1`."),
    (r"count/rayjobs\.ray\.io",
     f"{FINISHED} `kubectl get rayjobs {MANAGED}` lists them, `kubectl delete rayjob NAME` deletes one."),
    (r"(requests|limits)\.(?!cpu|memory|ephemeral-storage|storage)\S+/\S+",
     "Ask for fewer gpus or nodes in the recipe's resources, wait for other runs, or ask for more quota."),
    (r"(requests\.|limits\.)?memory", "Ask for less memory_gb in the recipe's resources, or for more quota."),
    (r"(requests\.|limits\.)?cpu", "Ask for fewer cpus in the recipe's resources, or for more quota."),
    (r"(requests\.|limits\.)?ephemeral-storage", "Ask for less scratch_gb in the cluster file, or for more quota."),
)  # fmt: skip
"""The first that fits one of the resources asked for counts."""


def exceeded(words: str) -> bool:
    """Whether these are the words of a full quota."""
    return "exceeded quota" in words


def hint(words: str) -> str:
    """What to do about a full quota; empty if the words are of something else."""
    if not exceeded(words):
        return ""
    requested = re.search(r"requested: (\S+?),? used:", words)
    names = [part.split("=")[0] for part in requested[1].split(",")] if requested else []
    for pattern, remedy in REMEDIES:
        if any(re.fullmatch(pattern, name) for name in names):
            return remedy
    return "Ask for less in the recipe's resources, or for more quota."
