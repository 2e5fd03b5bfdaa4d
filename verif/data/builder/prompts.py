"""The builder's prompts: Jinja files beside this one, with what others wrote fenced as the judge's prompts fence it.

The marker is a digest of what is fenced: whoever wrote a text cannot hold the digest of it. Same content, same prompt.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verif.core.judge.prompt import USER, harmless
from verif.system.files import digest

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).parent / "prompts"


@cache
def _turns(name: str) -> tuple[tuple[str, Template], ...]:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - plain text for a model, not a page
    )
    system, _, user = (FOLDER / f"{name}.j2").read_text("utf-8").partition(f"{USER}\n")
    return tuple(
        (role, environment.from_string(text.strip())) for role, text in (("system", system), ("user", user))
    )


def render(name: str, texts: dict[str, str], **values: Any) -> list[dict[str, str]]:
    """Chat messages. `texts` are by others and made harmless; `values` are ours."""
    clean = {key: harmless(text) for key, text in texts.items()}
    marker = digest([name, clean])[:8]
    return [
        {"role": role, "content": turn.render({**clean, **values, "marker": marker})}
        for role, turn in _turns(name)
    ]
