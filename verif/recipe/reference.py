"""The recipe's section `verifier.reference`: who decides the answers that the rules call unequal."""

from __future__ import annotations

import operator
from typing import Literal

from pydantic import Field, model_validator

from verif.recipe.base import Section


class ReferenceSection(Section):
    """Rules decide reference answers first; a model is asked about those that they call unequal.

    `features` is built in and needs nothing. `judge` is a language model that says yes or no in one token, `classify` a
    sequence classifier behind vLLM's `/classify`. The server of these two is named by the environment variable
    `VERIF_ANSWERS_URL`, its key by `VERIF_ANSWERS_API_KEY`, the model by `digest`. The audit chooses the threshold for
    `min_precision`; `threshold` holds what it chose and is not written by hand.
    """

    model: Literal["none", "features", "judge", "classify"] = "none"
    rules: bool = Field(True, description="false: the model decides alone, to compare it", exclude_if=bool)
    digest: str = Field("", description="of the served model's files", exclude_if=operator.not_)
    deadline_s: float = Field(20, gt=0, description="for one answer of a served model")
    min_precision: float = Field(
        0.98, ge=0.5, le=1, description="of what the model accepts, on answers of known truth"
    )
    threshold: float | None = Field(
        None, ge=0, le=1, description="probability above which the model's word counts"
    )

    @model_validator(mode="after")
    def _a_served_model_is_named(self) -> ReferenceSection:
        if self.served and not self.digest:
            raise ValueError(f"model {self.model} needs the digest of the model that its server serves")
        if self.model == "none" and not self.rules:
            raise ValueError("without rules a model must decide")
        return self

    @property
    def served(self) -> bool:
        """Whether a server is asked."""
        return self.model in ("judge", "classify")
