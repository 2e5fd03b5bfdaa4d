"""Fuzzing of what a judge reads: no control token whole, only spaces added, the marker where it belongs, and no time lost.

`run(seed, seconds)` makes instructions and responses of pieces of markup, of each other, and of any characters.
"""

from __future__ import annotations

import random
import time
from typing import Any

from verif.core.judge import prompt
from verif.core.judge.markup import broken
from verif.types import Instruction, Response, SoftConstraint

TEMPLATES = tuple(sorted(path.stem for path in prompt.FOLDER.glob("*.j2")))
WHOLE = (
    "<|im_start|>", "<|im_end|>", "<｜User｜>", "<｜end▁of▁sentence｜>", "<think>", "</think>", "<seed:think>", "[THINK]",
    "[/INST]", "[gMASK]", "<sop>", "<s>", "</s>", "<start_of_turn>", "<end_of_turn>", "<<SYS>>", "<</SYS>>", "<|channel|>",
    "<channel|>", "[|user|]", "◁think▷", "]~b]", "]~!b[", "/think", "/no_think", "/nothink", "<BOS_TOKEN>", "<0x0A>",
    "[TOOL_CALLS]", "<tool_call>", "<function=x>", "<unused3>",
)  # fmt: skip
"""Each must be broken wherever it stands, whatever stands beside it."""
GLUE = (
    "", " ", "\n", "<", ">", "|", "｜", "[", "]", "/", "~", "{{", "}}", "{%", "b", "a", "THINK", "think", "\u200b", "\u0301",
    "\ud800", "\u212a", "İ", ":", "user", "### ", "End ", "0badcafe", "\x00", "\x1b[2J", "漢",
)  # fmt: skip
LONG, SLOW_S = 100_000, 2.0


def text(rng: random.Random) -> str:
    """A short hostile text."""
    pieces = [rng.choice(rng.choice((WHOLE, GLUE))) for _ in range(rng.randrange(12))]
    if rng.random() < 0.3:  # half of one token in the middle of another
        pieces = [piece[: rng.randrange(len(piece) + 1)] for piece in pieces]
    if rng.random() < 0.2:
        pieces.append("".join(chr(rng.randrange(0x11_0000)) for _ in range(rng.randrange(8))))
    return "".join(pieces)


def problem(rng: random.Random) -> str:
    """What is wrong with one rendered prompt; "" if nothing is."""
    said = text(rng)
    item = Instruction(
        id="1", prompt=text(rng), system=text(rng), constraints=(SoftConstraint(text=text(rng)),)
    )
    mark = prompt.marker(b"key", item, Response(text=said))
    template = rng.choice(TEMPLATES)
    once = prompt.harmless(said)
    if once.replace(" ", "") != said.encode("utf-8", "replace").decode().replace(" ", ""):
        return f"more than spaces were added to {said!r}"
    if broken(once) != once:
        return f"a second pass finds more in {said!r}"
    turns = prompt.render(template, item, [0], said, mark)
    own = prompt.render(
        template, Instruction(id="1", prompt="", constraints=(SoftConstraint(text=""),)), [0], "", mark
    )
    whole = "\n".join(turn["content"] for turn in turns)
    if whole.count(mark) != "\n".join(turn["content"] for turn in own).count(mark):
        return f"the marker stands elsewhere too: {said!r}"
    inside = [harmless for harmless in (once, once.lower()) if harmless in whole]
    if not inside:
        return f"the response was changed: {said!r}"
    found = [token for token in WHOLE if token in whole or token.lower() in whole]
    if found:
        return f"{found} whole in {template} of {said!r}, {item.prompt!r}, {item.system!r}"
    whole.encode("utf-8")
    return ""


def slow(rng: random.Random) -> str:
    """Whether a long text of one piece takes long; "" if not."""
    piece = text(rng)[:20] or " "
    long = rng.choice(("", "<", "[", "</", "[[")) + piece * (LONG // len(piece))
    started = time.process_time()
    prompt.harmless(long)
    spent = time.process_time() - started
    return f"{spent:.1f} s for {LONG} characters of {piece!r}" if spent > SLOW_S else ""


def run(seed: int, seconds: float) -> dict[str, Any]:
    """Fuzz for that long; the same seed tries the same texts in the same order."""
    rng, ends = random.Random(seed), time.monotonic() + seconds
    runs, failures = 0, list[str]()
    while time.monotonic() < ends and len(failures) < 10:
        found = slow(rng) if runs % 200 == 199 else problem(rng)
        runs += 1
        if found:
            failures.append(found)
    return {"fuzzer": "prompts", "seed": seed, "runs": runs, "failures": failures}
