"""Checkers written by models, for constraints that only code could decide: two writers, each with cases of its own.

Nothing here believes them: `verif.data.builder.prove` does, after it has run both in the sandbox.
"""

from __future__ import annotations

import asyncio

from verif.core.forms.checkers import unfenced
from verif.data.builder.calls import Caller
from verif.data.builder.prompts import render
from verif.data.builder.reply import UnreadableError, WrittenChecker, asked
from verif.recipe import BuildModel


async def written(
    text: str, caller: Caller, first: BuildModel, second: BuildModel, cases: int
) -> tuple[WrittenChecker, WrittenChecker]:
    """What both writers wrote for a constraint; `UnreadableError` where one wrote nothing of the schema.

    Neither sees the answer or the other's function: that the answer keeps the constraint is what the proof finds out. So
    a constraint that comes back for many answers is written for once.
    """
    messages = render("write", {"constraint": text}, cases=cases)
    replies = await asyncio.gather(
        asked(caller, "write", first, messages, WrittenChecker),
        asked(caller, "write again", second, messages, WrittenChecker),
        return_exceptions=True,
    )
    kept = [reply for reply in replies if isinstance(reply, WrittenChecker)]
    if len(kept) < len(replies):
        errors = [reply for reply in replies if isinstance(reply, BaseException)]
        raise next((error for error in errors if not isinstance(error, UnreadableError)), errors[0])
    first_reply, second_reply = (r.model_copy(update={"code": unfenced(r.code)}) for r in kept)
    return first_reply, second_reply
