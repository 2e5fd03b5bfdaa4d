"""Fuzzes the reading of a judge's verdict: `run(seed, seconds)`.

Texts are built from what the reader looks at (ends of reasoning, JSON, its escapes) and from what lies near it. Three
things are held: it raises nothing but `JudgeError`; it takes time linear in the text; and what it calls a verdict is
the final segment, whole, and read the same way by a second reader that shares no code with it.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

from verif.core.judge.verdict import MAX_REASON, parse
from verif.errors import JudgeError

PIECES = [
    "</think>", "<think>", "</think", "</THINK>", "< /think>", "</think>\n\n", '{"verdict":"pass"}', '{"verdict":"fail"}',
    '{"verdict": "pass", "reason": "fine"}', '{"reason":"x","verdict":"fail"}', '{"verdict":"pass","verdict":"fail"}',
    '{"verdict":"PASS"}', '{"verdict":true}', '{"verdict":NaN}', '{"verdict":null}', '{"verdict":["pass"]}', "{", "}", "[",
    "]", '"', ":", ",", "\\", "\\u0070", "\\ud800", '"verdict"', '"pass"', '"fail"', '"reason"', '"ver\\u0064ict"', "pass",
    "fail", " ", "\n", "\t", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u00a0", "\u2028", "\ufeff", "\x00", "\ud800", "é", "𝟙",
    "1", "1e999", "-Infinity", "NaN", "9" * 5000, "```json\n", "```", "[[1]]", " (cut off)", "I cannot.", "/*", "//", "'",
]  # fmt: skip
SEEDS = [
    '{"verdict":"pass"}',
    'so</think>{"verdict": "fail", "reason": "too long"}',
    '</think>\n{"verdict":"pass"}\n',
]
_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
_PAIR = rf"[ \t\r\n]*{_STRING}[ \t\r\n]*:[ \t\r\n]*{_STRING}[ \t\r\n]*"
STRICT = re.compile(rf"\{{{_PAIR}(?:,{_PAIR})?\}}")
_UNIT = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
SLOW_S = 2.0
"""For a text of `LONG` characters, on a busy machine; anything quadratic takes many times that."""
LONG = 400_000


def plain(text: str) -> str:
    """A JSON string's content as it says, without the reader's parser."""
    return _UNIT.sub(
        lambda found: chr(int(found[1][1:], 16)) if len(found[1]) > 1 else SHORT.get(found[1], found[1]), text
    )


def verdict_of(text: str) -> str:
    """The second opinion: the verdict of the text after the one `</think>`, "" if it is not strictly one."""
    before, end, final = text.rpartition("</think>")
    if "</think>" in before or (not end and "<think>" in final) or not STRICT.fullmatch(final.strip()):
        return ""
    strings = [plain(found[1:-1]) for found in re.findall(_STRING, final)]
    pairs = list(zip(strings[::2], strings[1::2], strict=True))
    found = dict(pairs)
    if len(found) != len(pairs) or not {"verdict"} <= set(found) <= {"verdict", "reason"}:
        return ""
    return found["verdict"] if found["verdict"] in ("pass", "fail") else ""


def built(rng: random.Random) -> str:
    """A text of pieces."""
    return "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 12)))


def bent(rng: random.Random) -> str:
    """An honest answer with a few things inserted, removed or doubled."""
    text = rng.choice(SEEDS)
    for _ in range(rng.randint(0, 3)):
        at, to = sorted(rng.randint(0, len(text)) for _ in range(2))
        text = rng.choice(
            (text[:at] + rng.choice(PIECES) + text[at:], text[:at] + text[to:], text[:to] + text[at:])
        )
    return text


def long(rng: random.Random) -> str:
    """A few pieces over and over, with an honest end or none."""
    inner = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 3)))
    return inner * (LONG // len(inner)) + rng.choice(("", *SEEDS))


def hold(text: str) -> bool:
    """Whether it is a verdict; `AssertionError` if one of the three does not hold."""
    named = repr(text if len(text) <= 400 else f"{text[:200]}…{text[-200:]}")
    begun = time.process_time()
    try:
        found = parse(text)
    except JudgeError:
        found = None
    except BaseException as error:
        raise AssertionError(f"{type(error).__name__} from {named}") from error
    seconds = time.process_time() - begun
    assert seconds < SLOW_S, f"{seconds:.1f} s for {len(text)} characters: {named}"
    due = verdict_of(text)
    assert (found.verdict if found else "") == due, f"{found} where {due or 'none'} is due: {named}"
    assert found is None or len(found.reason) <= MAX_REASON, f"a long reason: {named}"
    return found is not None


def run(seed: int, seconds: float) -> dict[str, int]:
    """Fuzz for so long; how many texts there were, and how many were verdicts."""
    rng = random.Random(seed)
    made: list[Callable[[random.Random], str]] = [built, bent]
    texts = verdicts = longs = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if texts % 400 == 7:
            verdicts += hold(long(rng))
            longs += 1
        else:
            verdicts += hold(rng.choice(made)(rng))
        texts += 1
    return {"texts": texts, "verdicts": verdicts, "long": longs}


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]), float(sys.argv[2])))
