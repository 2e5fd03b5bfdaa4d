"""`train.lora`: a low-rank change of every linear layer is trained, and the weights stand still (arXiv 2106.09685)."""

from __future__ import annotations

from pydantic import Field

from verif.recipe.base import Section


class Lora(Section):
    """LoRA. What is exported is the whole model with the change in it, so nothing after training knows of adapters."""

    rank: int = Field(32, ge=1, le=512, description="of the change of a layer")
    alpha: int = Field(64, ge=1, description="the change counts alpha / rank times")
