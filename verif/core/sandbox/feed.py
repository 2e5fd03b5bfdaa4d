"""The code that runs checkers inside a worker, and how to read its answer.

A checker's text crosses as a string and is executed in a namespace of its own. There it finds the builtins, a
silent `print` and the helpers that rewriting put into it, and nothing else: the names of the harness and of
other checkers are not names there, so that even a checker that was given `exec` reaches none of them. That
rests on the engine's `exec`, on its immutable builtins and modules, and on functions that show nothing of
where they come from; `WALL` tries each once in every session. Only module-level names and `_verif` names of
`verif.core.sandbox.faster.HELPERS` are lent; what they keep between calls they keep by real strings only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verif.core.sandbox.faster import HELPERS
from verif.core.sandbox.program import ENTRY, Program
from verif.core.sandbox.purity import BUILTINS, HARNESS
from verif.core.sandbox.shims import LENT

_NO_NAMES = {
    "True",
    "False",
    "None",
    "ascii",
    "callable",
    "issubclass",
}  # constants, and what the engine lacks
#: What every verdict of a session rests on: if one of these names means something else, its verdicts are not used.
_RESTS_ON = sorted((BUILTINS - _NO_NAMES) | HARNESS | {"exec", "_verif_run", "_verif_make"})
_LENT = ", ".join(f"'{name}': {name}" for name in sorted(LENT))

#: Fed once into a shared session.
HARNESS_CODE = (
    HELPERS
    + f"""
_verif_lent = {{{_LENT}}}
_verif_programs = {{}}
def _verif_print(*args, **kwargs):
    return None
def _verif_make(text, names):
    space = {{'print': _verif_print}}
    for name in names:
        space[name] = _verif_lent[name]
    exec(text, space)
    return space['{ENTRY}']
def _verif_run(instruction, responses, keys, new):
    for key, text, names, fixed in new:
        check = None
        if fixed:
            try:
                check = _verif_make(text, names)
            except BaseException:
                check = None
        _verif_programs[key] = (text, names, check)
    programs = [_verif_programs[key] for key in keys]
    out = []
    for response in responses:
        for text, names, check in programs:
            _verif_begin()
            try:
                if check is None:
                    out.append('1' if _verif_make(text, names)(instruction, response) else '0')
                else:
                    out.append('1' if check(instruction, response) else '0')
            except BaseException:
                out.append('e')
    return ''.join(out)
def _verif_intact({", ".join(f"_{number}={name}" for number, name in enumerate(_RESTS_ON))}):
    return {" and ".join(f"{name} is _{number}" for number, name in enumerate(_RESTS_ON))}
"""
)

#: The value is one character per (response, key), responses outermost: "1", "0", or "e" for whatever was raised
#: (that check is then run alone, which also gives the reason). It is "touched" if something in the session is not
#: what it was.
GROUP = """
_verif_marks = _verif_run(_verif_instruction, _verif_responses, _verif_keys, _verif_new)
_verif_marks if _verif_intact() else 'touched'
"""


def group_inputs(
    instruction: str, responses: Sequence[str], keys: Sequence[int], new: Sequence[tuple[int, Program]]
) -> dict[str, Any]:
    """The inputs of `GROUP`: it adds the `new` programs under their keys and runs those of `keys` on all responses."""
    return {
        "_verif_instruction": instruction,
        "_verif_responses": list(responses),
        "_verif_keys": list(keys),
        "_verif_new": [(key, program.shared, list(program.names), program.fixed) for key, program in new],
    }


#: Fed after the harness; its value is "stands" if code that holds `exec` reaches neither the harness nor its neighbours.
WALL = """
import re as _verif_re
_verif_holes = []
def _verif_try(text):
    try:
        space = {'holes': _verif_holes}
        exec(text, space)
        exec('attack()', space)
    except BaseException:
        pass
_verif_try('def attack():\\n    exec("global len, str, _verif_run\\\\nlen = str = _verif_run = None")\\n')
_verif_try('def attack():\\n    holes.append(_verif_run)\\n')
_verif_try('def attack():\\n    exec("holes.append(_verif_programs)")\\n')
_verif_try('def attack():\\n    import re\\n    re.search = 1\\n    holes.append(re)\\n')
_verif_try('def attack():\\n    import re\\n    setattr(re, "search", 1)\\n    holes.append(re)\\n')
_verif_try('def attack():\\n    setattr(str, "lower", 1)\\n    holes.append(str)\\n')
_verif_try('def attack():\\n    holes.append(globals())\\n')
_verif_try('def attack():\\n    holes.append(attack.__globals__)\\n')
_verif_try('def attack():\\n    holes.append(attack.__code__)\\n')
_verif_try('def attack():\\n    import builtins\\n    holes.append(builtins)\\n')
'fallen' if _verif_holes or len('ab') != 2 or str(1) != '1' or _verif_run is None else 'stands'
"""

#: Runs one text on one response, in a session that ends with it. Nothing that it raises crosses to the host in a
#: size of its own. The value is "1", "0", or "e" and the error.
ALONE = f"""
_verif_out = ''
try:
    _verif_space = {{'__name__': 'builtins'}}
    exec(_verif_text, _verif_space)
    _verif_out = '1' if _verif_space['{ENTRY}'](_verif_instruction, _verif_response) else '0'
except BaseException as _verif_error:
    _verif_out = 'e' + type(_verif_error).__name__ + ': ' + str(_verif_error)[:200]
_verif_out
"""
