"""The code that runs a group of harmless checkers over a group of responses, and how to read its answer."""

from __future__ import annotations

from collections.abc import Sequence

from verif.core.sandbox.faster import HELPERS
from verif.core.sandbox.program import Program

#: Fed once into a shared session.
HARNESS_CODE = (
    HELPERS
    + """
_verif_checks = {}
def print(*args, **kwargs):
    return None
def _verif_add(key, make, fixed):
    check = None
    if fixed:
        try:
            check = make()
        except BaseException:
            check = None
    _verif_checks[key] = (make, check)
def _verif_run(keys):
    out = []
    checks = [_verif_checks[key] for key in keys]
    for response in _verif_responses:
        for make, check in checks:
            try:
                if check is None:
                    out.append('1' if make()(_verif_instruction, response) else '0')
                else:
                    out.append('1' if check(_verif_instruction, response) else '0')
            except BaseException:
                out.append('e')
    return ''.join(out)
"""
)


def group_code(keys: Sequence[int], new: Sequence[tuple[int, Program]]) -> str:
    """One feed: add the `new` programs under their keys, then run the programs of `keys` on all responses.

    Its inputs are `_verif_instruction` and `_verif_responses`; its value is one character per (response,
    key), responses outermost: "1", "0", or "e" for whatever was raised (that check is then run alone, which
    also gives the reason).
    """
    parts = [f"{program.shared}\n_verif_add({key}, _verif_make, {program.fixed})\n" for key, program in new]
    return "".join([*parts, f"_verif_run({list(keys)})"])
