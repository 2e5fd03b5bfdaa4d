"""The recipe's section `data`: the local world, a file of rows, or everyday tasks composed with rules."""

from __future__ import annotations

import operator
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from verif.recipe.base import Section

LABELLED = PurePosixPath("recipes/labelled")
"""Where people's labels stand: `prepare` and `verifier` depend on this folder, so that a change is seen."""


def _seen_by_dvc(path: str) -> str:
    if path and PurePosixPath(path).parent != LABELLED:
        raise ValueError(f"{path!r} does not lie in {LABELLED}/, where DVC looks for changes")
    return path


LabelFile = Annotated[str, AfterValidator(_seen_by_dvc)]
"""A file in `LABELLED`, or nothing."""


def _in_order(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the first is above the second: {bounds[0]:g}, {bounds[1]:g}")
    return bounds


Share = Annotated[float, Field(ge=0, le=1)]
Shares = Annotated[tuple[Share, Share], AfterValidator(_in_order)]
"""From one share to another, both included."""
EVERY_RATE = (0.0, 1.0)


class WorldData(Section):
    """The local world: instructions, responses and their truth drawn by a seeded grammar. Counts are rows."""

    kind: Literal["world"] = "world"
    train: int = Field(4000, ge=16)
    validation: int = Field(64, ge=8)
    test: int = Field(400, ge=8)
    unseen: int = Field(400, ge=8)
    golden: int = Field(400, ge=8)
    policy_pairs: int = Field(24000, ge=100)
    judge_pairs: int = Field(20000, ge=100)
    soft: Literal["judge", "rules"] = Field(
        "judge", exclude_if=lambda value: value == "judge", description="`rules`: by plugin `world_oracle`"
    )
    authors: Literal["mixed", "careless"] = Field(
        "mixed",
        exclude_if=lambda value: value == "mixed",
        description="Who wrote what the policy learns from: of 100 authors 38 are careless, or 62, who hardly heed nine types",
    )


Asks = Literal["reference", "spellings", "judge"]


class SumsData(Section):
    """Arithmetic in words, drawn by a seed, whose right answers are known in every spelling. Counts are rows.

    `asks` says who decides: a reference in digits, the reference with all its spellings (which is the truth), or a judge.
    """

    kind: Literal["sums"] = "sums"
    asks: Asks = "reference"
    train: int = Field(3000, ge=16)
    validation: int = Field(64, ge=8)
    test: int = Field(400, ge=8)
    golden: int = Field(400, ge=8)
    policy_pairs: int = Field(16000, ge=100)
    judge_pairs: int = Field(12000, ge=100)


class FileData(Section):
    """What holds for rows of a file, whatever their form.

    The file is `data` in params.yaml, or `path` in a data set of a hub (`repo`), pinned as models are.
    """

    repo: str = Field("", exclude_if=operator.not_, description="data set of a hub that holds the rows")
    path: str = Field("", exclude_if=operator.not_, description="the file of rows in `repo`")
    revision: str = Field("", exclude_if=operator.not_, description="filled in by `verif recipe pin`")
    digest: str = Field("", exclude_if=operator.not_, description="filled in by `verif recipe pin`")

    screening: Literal["keep", "repair", "drop-constraint", "drop-row"] = "repair"
    validation: int = Field(8, ge=2)
    test: int = Field(32, ge=2)
    golden: int = Field(40, ge=2)
    rows: int = Field(0, ge=0, description="usable rows that the sizes are shares of; 0: as the file has")
    max_prompt_tokens: int = Field(1024, ge=16)
    require_checker: bool = Field(False, description="leave out rows without a hard constraint")
    pass_rate: Shares = Field(
        EVERY_RATE,
        description="leave out rows that the starting policy follows less or more often (`verif difficulty`)",
        exclude_if=lambda bounds: bounds == EVERY_RATE,
    )
    judged: LabelFile = Field(
        "",
        description="`judge_pairs.parquet` of `verif build --judgements`: what a judge from scratch learns from",
        exclude_if=lambda path: not path,
    )
    labelled: LabelFile = Field(
        "", description="responses that people labelled; without them no judge of this data passes its audit"
    )

    @model_validator(mode="after")
    def _named_whole(self) -> Self:
        if self.repo and not self.path:
            raise ValueError(f"`path` must name the file of rows in {self.repo}")
        if not self.repo and (self.path or self.revision or self.digest):
            raise ValueError(
                "path, revision and digest belong to a `repo`; a file of this machine is `data` in params.yaml"
            )
        return self


class VerInstructData(FileData):
    """Rows of the public VerInstruct form (`{id, prompt, checkers, functions}`): `data` in params.yaml, or `path` in `repo`."""

    kind: Literal["verinstruct"] = "verinstruct"


class RowsData(FileData):
    """Rows that rules or references decide, in any form that verif reads: `data` in params.yaml, or `path` in `repo`.

    Their golden set is made of the rules' own examples.
    """

    kind: Literal["rows"] = "rows"


class ComposedData(Section):
    """Everyday tasks with one to `most` constraints of registered rules, composed by seed. Counts are rows."""

    kind: Literal["composed"] = "composed"
    train: int = Field(4000, ge=16)
    validation: int = Field(64, ge=8)
    test: int = Field(400, ge=8)
    unseen: int = Field(400, ge=8)
    most: int = Field(4, ge=1, le=4, description="constraints of one instruction")
    relevance: bool = Field(
        False,
        exclude_if=operator.not_,
        description="rows to train on also ask a judge whether the text does what its task asks",
    )
