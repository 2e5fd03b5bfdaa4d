"""Write `verif/core/sandbox/inside/tables.json`: CPython 3.11's tables of characters, and where the engine's differ.

Run with CPython 3.11 whenever the engine's version changes; takes a minute or two. `odd` are the characters on which
the engine's regular expressions differ, `strange` those on which its methods of texts and `unicodedata` do.
"""

from __future__ import annotations

import _sre
import json
import sys
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from re import _casefix  # type: ignore[attr-defined]
from typing import Any

import pydantic_monty as monty

CODES = [code for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
EVERY = "".join(map(chr, CODES))
TESTS = ("isalnum", "isalpha", "isdigit", "isdecimal", "isnumeric", "isspace", "islower", "isupper", "istitle",
         "isprintable", "isidentifier")  # fmt: skip
MAPS = ("lower", "upper", "title", "capitalize", "casefold", "swapcase")
FORMS = ("NFC", "NFD", "NFKC", "NFKD")


def ranges(codes: Iterable[int]) -> str:
    """Code points as text, "41-5a 5f"."""
    pairs: list[list[int]] = []
    for code in sorted(codes):
        if pairs and pairs[-1][1] == code - 1:
            pairs[-1][1] = code
        else:
            pairs.append([code, code])
    return " ".join(f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in pairs)


def fold_groups() -> list[str]:
    """The characters that CPython's `re` takes for each other without regard to case."""
    groups: dict[int, set[int]] = {}
    for code in CODES:
        if _sre.unicode_iscased(code):
            low = _sre.unicode_tolower(code)
            same = (low, *_casefix._EXTRA_CASES.get(low, ()))
            groups.setdefault(min(same), set()).update({code, *same})
    return ["".join(map(chr, sorted(group))) for group in groups.values() if len(group) > 1]


def main() -> None:
    """Compare and write."""
    if sys.version_info[:2] != (3, 11):
        raise SystemExit("The tables are those of CPython 3.11.")
    own = {
        "word": {c for c in CODES if chr(c).isalnum() or c == 95},
        "digit": {c for c in CODES if chr(c).isdecimal()},
        "space": {c for c in CODES if chr(c).isspace()},
    }
    groups = fold_groups()
    cased = "".join(groups)
    group_of = {c: set(group) for group in groups for c in group}
    limits = {"max_feed_duration_secs": 120.0, "max_memory": 3 << 30, "max_recursion_depth": 300}
    with monty.Monty(max_processes=1) as pool, pool.checkout(limits=limits) as session:  # type: ignore[arg-type]
        session.feed_run("import re, unicodedata")

        def ask(expression: str, **inputs: Any) -> Any:
            return session.feed_run(expression, inputs=inputs)

        def mapped(expression: str, pythons: Callable[[str], object]) -> set[int]:
            got = ask(f"[{expression} for i in codes]", codes=CODES)
            return {code for code, value in zip(CODES, got, strict=True) if value != pythons(chr(code))}

        odd: set[int] = set()
        for name, letter in (("word", "w"), ("digit", "d"), ("space", "s")):
            odd |= own[name] ^ set(map(ord, ask("re.findall(p, text)", p="\\" + letter, text=EVERY)))
        folded = ask("[re.findall('(?i)' + c, cased) for c in cased]", cased=cased)
        odd |= {ord(c) for c, same in zip(cased, folded, strict=True) if set(same) != group_of[c]} - set(
            map(ord, "iI")
        )
        strange: set[int] = set()
        for name in TESTS:
            strange |= mapped(f"chr(i).{name}()", lambda c, name=name: getattr(c, name)())  # type: ignore[misc]
        for name in MAPS:
            strange |= mapped(f"chr(i).{name}()", lambda c, name=name: getattr(c, name)())  # type: ignore[misc]
        for form in FORMS:
            strange |= mapped(
                f"unicodedata.normalize('{form}', chr(i))", lambda c, f=form: unicodedata.normalize(f, c)
            )  # type: ignore[misc]
        strange |= mapped("unicodedata.category(chr(i))", unicodedata.category)
        strange |= mapped("unicodedata.combining(chr(i))", unicodedata.combining)
        strange |= mapped("repr(chr(i))", repr)
    table = {name: ranges(codes) for name, codes in own.items()}
    table |= {"odd": ranges(odd), "strange": ranges(strange), "fold": " ".join(groups)}
    path = Path(__file__).resolve().parents[1] / "verif" / "checkers" / "inside" / "tables.json"
    path.write_text(json.dumps(table, ensure_ascii=True, indent=0), "ascii")


if __name__ == "__main__":
    main()
