"""The code that runs a group of harmless checkers over a group of responses, and how to read its answer."""

from __future__ import annotations

from collections.abc import Sequence

from verif.checkers.faster import HELPERS
from verif.checkers.program import Program

_START = """
def print(*args, **kwargs):
    return None
"""
_RUN = """
def _verif_run():
    out = []
    for response in _verif_responses:
        for make, check in _verif_checks:
            try:
                if check is None:
                    out.append('1' if make()(_verif_instruction, response) else '0')
                else:
                    out.append('1' if check(_verif_instruction, response) else '0')
            except BaseException:
                out.append('e')
    return ''.join(out)
_verif_run()
"""


def group_code(programs: Sequence[Program]) -> str:
    """One feed for all programs; its inputs are `_verif_instruction` and `_verif_responses`.

    Its value is one character per (response, program), responses outermost: "1", "0", or "e" for whatever was
    raised (that check is then run alone, which also gives the reason).
    """
    parts = [_START, HELPERS, "_verif_checks = []\n"]
    for program in programs:
        parts.append(program.shared)
        if program.fixed:
            parts.append("\ntry:\n    _verif_checks.append((_verif_make, _verif_make()))\n")
            parts.append("except BaseException:\n    _verif_checks.append((_verif_make, None))\n")
        else:
            parts.append("\n_verif_checks.append((_verif_make, None))\n")
    parts.append(_RUN)
    return "".join(parts)
