"""Judge prompts: Jinja files in, chat messages out, with the policy's text fenced as data.

The response stands between two lines that carry a marker. The marker is a keyed digest of the instruction
and the response: the policy cannot guess it (it lacks the key), and the same bytes give the same prompt.
Markup that a chat template or a reasoning parser would read is broken up, so a response cannot open a turn
of its own or end the judge's reasoning. Nothing here parses an answer (`verif.core.judge.verdict`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from verif.core.judge.markup import broken
from verif.errors import RecipeError
from verif.system import plugins
from verif.system.files import digest
from verif.types import Instruction, Response

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).parent / "prompts"
_folders: list[Path] = []
USER = "{# user #}"
"""A line in a template file: what stands before it is the system turn, what stands after it the user turn."""


def harmless(text: str) -> str:
    """The text with chat and reasoning markup broken by spaces, and with nothing that UTF-8 cannot hold.

    `<|im_end|>` becomes `< |im_end| >`, `[THINK]` becomes `[ THINK]` (`verif.core.judge.markup`). Lone surrogates become
    `?`: a JSON body could not carry them.
    """
    return broken(text.encode("utf-8", "replace").decode("utf-8"))


def marker(key: bytes, instruction: Instruction, response: Response) -> str:
    """Eight hex characters that fence this response: unknown to the policy, the same for the same content."""
    content = [
        instruction.system,
        instruction.prompt,
        [c.text for c in instruction.constraints],
        response.text,
    ]
    return hmac.new(key, digest(content).encode(), hashlib.sha256).hexdigest()[:8]


def add_prompts(folder: Path) -> None:
    """A plugin's folder of prompts, one `.j2` file each. A name that is taken is refused.

    A prompt whose name begins with `each-` asks about one constraint at a time, any other about all at once.
    """
    own = {path.stem for path in folder.glob("*.j2")}
    if not own:
        raise RecipeError(f"the folder {folder} holds no judge prompt.", "A prompt is one file, NAME.j2.")
    if taken := sorted(own & set(_files())):
        raise RecipeError(f"{folder}: the judge prompt {taken[0]!r} exists already.", "Name it otherwise.")
    _folders.append(folder)


def _files() -> dict[str, Path]:
    return {path.stem: path for folder in (FOLDER, *_folders) for path in sorted(folder.glob("*.j2"))}


@cache
def source(template: str) -> str:
    """The text of the template file; an unknown name lists the known ones."""
    if template not in _files():
        plugins.load_known("verif.prompts")
    files = _files()
    if template not in files:
        raise RecipeError(
            f"unknown judge prompt {template!r}.", f"Known prompts: {', '.join(sorted(files))}."
        )
    return files[template].read_text("utf-8")


@cache
def _turns(template: str) -> tuple[tuple[str, Template], ...]:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - plain text for a model, not a page
    )
    system, marked, user = source(template).partition(f"{USER}\n")
    parts = [("system", system), ("user", user)] if marked else [("user", system)]
    return tuple((role, environment.from_string(text.strip())) for role, text in parts)


def render(
    template: str, instruction: Instruction, indices: Sequence[int], response_text: str, marker: str
) -> list[dict[str, str]]:
    """Chat messages that ask about the constraints at `indices` of the instruction.

    The shared part (instruction, constraints) comes first and the response with its marker last, so that
    the rollouts of one instruction share the longest prefix in the judge's cache.
    """
    values = {
        "instruction": harmless(instruction.prompt),
        "system": harmless(instruction.system),
        "constraints": [harmless(instruction.constraints[index].text) for index in indices],
        "response": harmless(response_text),
        "marker": marker,
    }
    return [{"role": role, "content": turn.render(values)} for role, turn in _turns(template)]


def prompt_digest(template: str) -> str:
    """Identity of a prompt's text; the code that prepares what goes into it has one of its own (`deciding`)."""
    return digest(source(template))


def is_joint(template: str) -> bool:
    """Whether the prompt asks once for all soft constraints (else once per constraint)."""
    return not template.startswith("each-")
