"""A judge as the policy (J1, arXiv 2505.10320): where its questions come from, and how their answers are rewarded."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from verif.recipe.base import Section


class JudgementData(Section):
    """Pairs of responses of which one is better by construction, and a judge's questions about them. Counts are pairs.

    `world` draws instructions and responses and breaks them; `rules` reads a file of instructions (`data` in
    params.yaml) and breaks one constraint that code decides. Each pair gives two questions: one for each order of the
    two responses, or one for each response.
    """

    kind: Literal["judgements"] = "judgements"
    source: Literal["world", "rules"] = "world"
    form: Literal["pointwise", "pairwise", "both"] = Field(
        "both", description="one response against its constraints, two against each other, or half of each"
    )
    pointwise: str = Field("local", description="the judge prompt about one response")
    pairwise: str = Field("pair-local", description="the judge prompt about two responses")
    train: int = Field(2000, ge=8)
    validation: int = Field(32, ge=2)
    test: int = Field(250, ge=8)
    unseen: int = Field(250, ge=8, description="pairs of families that no training pair has")
    golden: int = Field(100, ge=8)
    attacks: int = Field(4, ge=0, description="pairs of each of the audit's attack families, to measure only")
    lessons: int = Field(12000, ge=0, description="questions with their answers for a judge from scratch")

    @property
    def forms(self) -> tuple[Literal["pointwise", "pairwise"], ...]:
        """The forms of question that are asked."""
        return ("pointwise", "pairwise") if self.form == "both" else (self.form,)


class JudgementReward(Section):
    """How the two answers about one pair are rewarded together. Both are in one batch, one beside the other."""

    reward: Literal["verdict", "consistent"] = Field(
        "verdict", description="each answer by itself, or only where the other of the pair is right, too"
    )
    group: Literal["pair", "prompt"] = Field(
        "pair",
        description="whose rewards are compared: by `prompt` a judge with a habit of place learns nothing",
    )
    draws: int = Field(
        4, ge=1, le=16, description="batches at most in which groups that differ are looked for, a step"
    )
