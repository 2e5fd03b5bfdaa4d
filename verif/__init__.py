"""verif: reinforcement learning of instruction following against verified rewards."""

from verif.service.build import verify
from verif.types import (
    CheckerConstraint,
    Constraint,
    Instruction,
    Item,
    Preference,
    ReferenceConstraint,
    Response,
    Reward,
    RuleConstraint,
    SoftConstraint,
    Status,
    Verdict,
    Verification,
)

__version__ = "0.1.0"
__all__ = [
    "CheckerConstraint",
    "Constraint",
    "Instruction",
    "Item",
    "Preference",
    "ReferenceConstraint",
    "Response",
    "Reward",
    "RuleConstraint",
    "SoftConstraint",
    "Status",
    "Verdict",
    "Verification",
    "verify",
]
