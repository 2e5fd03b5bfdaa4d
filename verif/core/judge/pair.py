"""The judge's question about two responses: its prompts, and how both are fenced. The answer is read by a rule.

These prompts stand apart from those of the verifier: a verdict on a rollout is never asked for by comparison, so none of
them is part of a verifier's identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from verif.core.judge.prompt import USER, harmless
from verif.errors import RecipeError
from verif.types import Instruction

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).parent / "pair_prompts"


@cache
def _turns(template: str) -> tuple[tuple[str, Template], ...]:
    from jinja2 import Environment, StrictUndefined

    known = {path.stem: path for path in sorted(FOLDER.glob("*.j2"))}
    if template not in known:
        raise RecipeError(f"unknown prompt for pairs {template!r}.", f"Known prompts: {', '.join(known)}.")
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - plain text for a model, not a page
    )
    system, split, user = known[template].read_text("utf-8").partition(f"{USER}\n")
    parts = [("system", system), ("user", user)] if split else [("user", system)]
    return tuple((role, environment.from_string(text.strip())) for role, text in parts)


def render_pair(
    template: str, instruction: Instruction, indices: Sequence[int], first: str, second: str, marker: str
) -> list[dict[str, str]]:
    """Chat messages that ask which of two responses meets more of the constraints at `indices`."""
    values = {
        "instruction": harmless(instruction.prompt),
        "system": harmless(instruction.system),
        "constraints": [harmless(instruction.constraints[index].text) for index in indices],
        "first": harmless(first),
        "second": harmless(second),
        "marker": marker,
    }
    return [{"role": role, "content": turn.render(values)} for role, turn in _turns(template)]
