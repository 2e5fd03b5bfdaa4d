"""Which test files a `-m` expression leaves out whole: they need not be imported to find that out.

A file of veRL's, MLflow's or Prefect's tests takes seconds to import, in each process that runs tests.
"""

from __future__ import annotations

import re

MARKS = ("slow", "e2e", "release")
_WHOLE = re.compile(r"^pytestmark = pytest\.mark\.(\w+)$", re.MULTILINE)


def leaves_out(expression: str, text: str) -> bool:
    """Whether no test of a file with this text can be chosen; False wherever that is not plain from the text.

    The expression must be marks and `not` marks joined by `and`, as in the Makefile.

    >>> leaves_out("not slow and not e2e", "pytestmark = pytest.mark.slow\\n")
    True
    """
    asked = [part.strip() for part in expression.split(" and ")]
    parts = [(part.startswith("not "), part.removeprefix("not ").strip()) for part in asked]
    if any(mark not in MARKS for _, mark in parts):
        return False
    whole = set(_WHOLE.findall(text))
    return any(mark in whole if unwanted else f"mark.{mark}" not in text for unwanted, mark in parts)
