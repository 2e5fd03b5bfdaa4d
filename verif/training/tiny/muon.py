"""Muon (momentum, orthogonalised by Newton-Schulz; Jordan 2024) in fp32, matrices of one shape at a time.

torch has one too, but it works in bf16, which costs ten times a training step on a CPU without bf16 units.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonal(matrices: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Nearly the closest semi-orthogonal matrix to each of a stack (count, rows, columns)."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x: torch.Tensor = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """For the matrices of a network; everything else belongs to AdamW."""

    def __init__(
        self,
        matrices: Iterable[torch.nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update from the gradients."""
        assert closure is None
        for group in self.param_groups:
            shapes: dict[torch.Size, list[torch.nn.Parameter]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    shapes[matrix.shape].append(matrix)
            for shape, matrices in shapes.items():
                gradients = torch.stack([m.grad for m in matrices if m.grad is not None])
                state = self.state[matrices[0]]
                momentum = state.setdefault("momentum", torch.zeros_like(gradients))
                momentum.lerp_(gradients, 1 - group["momentum"])
                update = orthogonal(gradients.lerp(momentum, group["momentum"]))
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                for matrix, change in zip(matrices, update, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).add_(
                        change, alpha=-group["lr"] * scale
                    )
