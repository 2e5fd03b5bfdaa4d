"""The recipes that run on a cluster, and the judgement of Kubernetes' own schemas on manifests."""

from __future__ import annotations

from typing import Any

GPU_RECIPES = ("tulu3-8b", "r1-qwen-7b", "qwen-multi-node")


def kubernetes_errors(manifests: list[dict[str, Any]]) -> list[str]:
    """What Kubernetes 1.36 would refuse in them."""
    import kubernetes_validate

    out = []
    for manifest in manifests:
        try:
            kubernetes_validate.validate(manifest, "1.36", strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            out.append(f"{manifest['kind']} {manifest['metadata']['name']}: {error}")
    return out
