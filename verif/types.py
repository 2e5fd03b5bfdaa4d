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


Comparison = Literal["text", "number", "math", "choice", "set", "date"]
"""How a final answer is compared with a reference; what each means stands in `verif.core.answers`."""


class ReferenceConstraint(Frozen):
    """A hard constraint: the response's final answer is the reference, or one of its `alternatives`.

    Example: `ReferenceConstraint(text="How many?", answer="42", compare="number")`. `tolerance` is relative to the
    reference and for numbers only.
    """

    kind: Literal["reference"] = "reference"
    text: str
    answer: str
    compare: Comparison = "text"
    alternatives: tuple[str, ...] = Field(default=(), max_length=100)
    tolerance: float = Field(0.0, ge=0, lt=1)


Constraint = Annotated[
    RuleConstraint | CheckerConstraint | SoftConstraint | ReferenceConstraint, Field(discriminator="kind")
]


def is_hard(constraint: Constraint) -> bool:
    """Hard constraints are decided by code."""
    return constraint.kind in ("rule", "checker", "reference")


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


def type_name(constraint: Constraint, family: str = "") -> str:
    """What every table calls a constraint: its rule, or its kind with its dimension or family where it has one.

    >>> from verif import SoftConstraint
    >>> type_name(SoftConstraint(text="Keep a formal tone.", dimension="tone"))
    'soft:tone'
    """
    if constraint.kind == "rule":
        return constraint.rule
    if constraint.kind == "soft":
        family = constraint.dimension or family
    return f"{constraint.kind}:{family}" if family else constraint.kind


def type_names(instruction: Instruction) -> list[str]:
    """`type_name` of each constraint, in their order; VerInstruct's rows name families in `meta.families`."""
    families = instruction.meta.get("families", ())
    named = [f if isinstance(f, str) else "" for f in families] if isinstance(families, list | tuple) else []
    named += [""] * (len(instruction.constraints) - len(named))
    return [type_name(c, family) for c, family in zip(instruction.constraints, named, strict=False)]


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
FORMULAS: tuple[str, ...] = ("average", "product", "all", "hard-only", "soft-only", "three-terms", "parts")
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

    __hash__ = str.__hash__  # equal to its text, and as fast to look up


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
