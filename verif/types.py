"""The nouns of verif: instruction, constraint, response, verdict, reward.

All are frozen pydantic models: they are validated where data enters, travel as JSON unchanged, and hash
by content. Nothing here verifies anything.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """Base of the data types: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# ------------------------------------------------------------------------------------ constraints
class RuleConstraint(Frozen):
    """A hard constraint decided by a registered rule.

    Example: `RuleConstraint(text="Use no commas.", rule="punctuation:no_comma")`.
    `params` are validated against the rule's own parameter model when a row is loaded
    (`verif.core.rules.validate`), never when it is checked.
    """

    kind: Literal["rule"] = "rule"
    text: str
    rule: str
    params: dict[str, Any] = Field(default_factory=dict)


class CheckerConstraint(Frozen):
    """A hard constraint decided by model-written code, which runs only inside the sandbox.

    Example: `CheckerConstraint(text="...", source="def check_following(instruction, response): ...")`.
    """

    kind: Literal["checker"] = "checker"
    text: str
    source: str


class SoftConstraint(Frozen):
    """A constraint that needs judgement. Example: `SoftConstraint(text="Keep a formal tone.", dimension="tone")`."""

    kind: Literal["soft"] = "soft"
    text: str
    dimension: str = ""


class ReferenceConstraint(Frozen):
    """Agreement with a reference answer. The types hold it so that rows can carry it; no part decides it yet."""

    kind: Literal["reference"] = "reference"
    text: str
    answer: str


Constraint = Annotated[
    RuleConstraint | CheckerConstraint | SoftConstraint | ReferenceConstraint, Field(discriminator="kind")
]


def is_hard(constraint: Constraint) -> bool:
    """Hard constraints are decided by code."""
    return constraint.kind in ("rule", "checker")


# ----------------------------------------------------------------------- instructions and responses
class Instruction(Frozen):
    """What the user asks, and the constraints a response is held to.

    Example: `Instruction(id="7", prompt="Describe the harbour. Use no commas.", constraints=(...,))`.
    `meta` travels with the row for evaluation (the local world keeps its truth there, `source` groups rows
    for clustered intervals); no rule, checker or judge ever sees it.
    """

    id: str
    prompt: str
    constraints: tuple[Constraint, ...] = ()
    system: str = ""
    meta: dict[str, Any] = Field(default_factory=dict)


class Response(Frozen):
    """What the policy said. `finished` is False when generation was cut off by its length limit.

    Example: `Response(text="The boat is old.")`.
    """

    text: str
    finished: bool = True


class Preference(Frozen):
    """A pair for preference learning and pairwise audits: `chosen` follows the instruction, `rejected` does not."""

    instruction: Instruction
    chosen: Response
    rejected: Response


# ------------------------------------------------------------------------------------------ verdicts
#: How rules and judge make a reward; what each means stands in `verif.core.reward`. A plugin may register others.
Formula = str
FORMULAS: tuple[str, ...] = ("average", "product", "all", "hard-only", "soft-only")
#: How a policy marks its reasoning; what each means stands in `verif.core.reasoning`.
Reasoning = Literal[
    "auto",
    "none",
    "think",
    "thinking",
    "reasoning",
    "seed-think",
    "bracket-think",
    "harmony",
    "gemma",
    "answer",
]


class Status(StrEnum):
    """The outcome of a check.

    pass, fail: decided. unscorable: the policy's fault (truncated, empty, unfinished thinking); the recipe
    decides its reward. error: ours (judge down, deadline, unparsable verdict, crashed sandbox); never a
    reward. skipped: not asked, because the answer could not have changed the reward.
    """

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    UNSCORABLE = "unscorable"
    ERROR = "error"
    SKIPPED = "skipped"


class Cost(Frozen):
    """What a verdict cost. Never part of a cache key or of a comparison."""

    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached: bool = False


class Verdict(Frozen):
    """The outcome for the constraints at positions `covers` of the instruction.

    A rule's verdict covers one constraint; a judge asked once for all soft constraints gives one joint
    verdict that covers them all. `part` is the identity of what decided (`rule:length...@1`,
    `checker:<digest>`, `judge:<digest>`).
    Example: `Verdict(status=Status.FAIL, covers=(1,), reason="3 commas", evidence={"commas": 3}, part="rule:...")`.
    """

    status: Status
    covers: tuple[int, ...]
    reason: str = ""
    evidence: dict[str, Any] = Field(default_factory=dict)
    part: str = ""
    cost: Cost = Cost()


class Reward(Frozen):
    """What training sees. `value` is None exactly when `state` is "error".

    `terms` are the present terms of the formula, e.g. `{"hard": 1.0, "soft": 0.0}`.
    """

    value: float | None
    state: Literal["scored", "unscorable", "error"]
    formula: str
    terms: dict[str, float] = Field(default_factory=dict)


class Verification(Frozen):
    """Everything the verifier says about one response: its verdicts and the reward they make.

    `note` says what was taken for reasoning and not judged, and what looks like its markup and was judged.
    """

    id: str
    verdicts: tuple[Verdict, ...]
    reward: Reward
    note: str = ""

    def statuses(self, n: int) -> list[Status]:
        """One status per constraint of an instruction with `n` constraints, in their order."""
        out = [Status.SKIPPED] * n
        for verdict in self.verdicts:
            for index in verdict.covers:
                out[index] = verdict.status
        return out

    def followed(self, n: int) -> bool | None:
        """True if all constraints passed, False if one failed or is unscorable, None if that is not known."""
        statuses = self.statuses(n)
        if any(s in (Status.FAIL, Status.UNSCORABLE) for s in statuses):
            return False
        return True if all(s is Status.PASS for s in statuses) else None


class Item(Frozen):
    """One question to the verifier: does this response follow this instruction?"""

    id: str
    instruction: Instruction
    response: Response
