"""verif: reinforcement learning of instruction following against verified rewards.

What stands in `__all__` is the library: verification alone, without the pipeline, and what a plugin registers with.
A name is imported when it is first used, so that `import verif` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verif.core.judge.prompt import add_prompts as add_prompts
    from verif.core.once import averify as averify
    from verif.core.once import verify as verify
    from verif.core.once import verify_many as verify_many
    from verif.core.reward import formula as formula
    from verif.core.row_files import read_rows as read_rows
    from verif.core.rules import Edits as Edits
    from verif.core.rules import NoParams as NoParams
    from verif.core.rules import Outcome as Outcome
    from verif.core.rules import Params as Params
    from verif.core.rules import rule as rule
    from verif.core.score import score as score
    from verif.core.text import Doc as Doc
    from verif.core.verifier import Verifier as Verifier
    from verif.evaluation.case import Benchmark as Benchmark
    from verif.evaluation.case import Case as Case
    from verif.evaluation.catalog import add_benchmark as add_benchmark
    from verif.recipe import load_recipe as load_recipe
    from verif.service.build import build as build
    from verif.types import CheckerConstraint as CheckerConstraint
    from verif.types import Constraint as Constraint
    from verif.types import Instruction as Instruction
    from verif.types import Item as Item
    from verif.types import Preference as Preference
    from verif.types import ReferenceConstraint as ReferenceConstraint
    from verif.types import Response as Response
    from verif.types import Reward as Reward
    from verif.types import RuleConstraint as RuleConstraint
    from verif.types import SoftConstraint as SoftConstraint
    from verif.types import Status as Status
    from verif.types import Verdict as Verdict
    from verif.types import Verification as Verification

__version__ = "0.2.0"

_HOME = {
    "verif.core.judge.prompt": ("add_prompts",),
    "verif.core.once": ("averify", "verify", "verify_many"),
    "verif.core.reward": ("formula",),
    "verif.core.row_files": ("read_rows",),
    "verif.core.rules": ("Edits", "NoParams", "Outcome", "Params", "rule"),
    "verif.core.score": ("score",),
    "verif.core.text": ("Doc",),
    "verif.core.verifier": ("Verifier",),
    "verif.evaluation.case": ("Benchmark", "Case"),
    "verif.evaluation.catalog": ("add_benchmark",),
    "verif.recipe": ("load_recipe",),
    "verif.service.build": ("build",),
    "verif.types": (
        "CheckerConstraint", "Constraint", "Instruction", "Item", "Preference", "ReferenceConstraint",
        "Response", "Reward", "RuleConstraint", "SoftConstraint", "Status", "Verdict", "Verification",
    ),
}  # fmt: skip
__all__ = sorted(name for names in _HOME.values() for name in names)


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'verif' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
