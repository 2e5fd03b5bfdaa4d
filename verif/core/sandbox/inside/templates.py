"""Replacements in texts, as CPython makes them. Fed after `matching.py`."""


def _verif_template(repl, facts):
    """A replacement as CPython reads it: a list of texts and numbers of groups."""
    out, text, i = [], "", 0
    while i < len(repl):
        c = repl[i]
        i += 1
        if c != "\\":
            text += c
            continue
        c = repl[i : i + 1]
        i += 1
        if c == "":
            _verif_wrong("bad escape (end of pattern)")
        if c == "g":
            end = repl.find(">", i)
            if repl[i : i + 1] != "<" or end < 0 or end == i + 1:
                _verif_wrong("missing group name")
            name = repl[i + 1 : end]
            i = end + 1
            if name.isascii() and name.isdigit():
                group = int(name)
            elif name in facts["names"]:
                group = facts["names"][name]
            elif name.isidentifier():
                raise IndexError("unknown group name")
            else:
                _verif_refuse("a replacement with an odd group name")
        elif c == "0":
            digits = c
            while len(digits) < 3 and repl[i : i + 1] != "" and repl[i : i + 1] in "01234567":
                digits += repl[i]
                i += 1
            text += chr(int(digits, 8) & 255)
            continue
        elif c in "123456789":
            digits = c
            if repl[i : i + 1] != "" and repl[i : i + 1] in "0123456789":
                digits += repl[i]
                i += 1
                if (
                    c in "01234567"
                    and digits[1] in "01234567"
                    and repl[i : i + 1] != ""
                    and repl[i] in "01234567"
                ):
                    number = int(digits + repl[i], 8)
                    if number > 255:
                        _verif_wrong("octal escape outside of range 0-0o377")
                    text += chr(number)
                    i += 1
                    continue
            group = int(digits)
        elif c in _verif_letters and c not in "abfnrtv":
            _verif_wrong("bad escape")
        else:
            text += {
                "a": "\a",
                "b": "\b",
                "f": "\f",
                "n": "\n",
                "r": "\r",
                "t": "\t",
                "v": "\v",
                "\\": "\\",
            }.get(c, "\\" + c)
            continue
        if group > facts["groups"]:
            _verif_wrong("invalid group reference")
        out.append(text)
        out.append(group)
        text = ""
    out.append(text)
    return out


def _verif_sub_of(known, repl, text, count=0):
    """(new text, number of replacements)."""
    if not isinstance(count, int) or count < 0:
        _verif_refuse("a negative count")
    native = _verif_form(known, text)
    made = None
    if isinstance(repl, str):
        made = _verif_template(repl, known._facts)
    elif repl is None or isinstance(repl, int | float | list | tuple | dict | set | frozenset | bytes):
        raise TypeError("decoding to str: need a bytes-like object")  # also where nothing is replaced
    if _verif_simple(known):
        matches = [(m.start(), m.end(), m.groups(), m) for m in native.finditer(text)]
    elif made is None:
        _verif_refuse("a replacing function for a pattern that may match nothing")
    else:
        matches = [(start, end, groups, None) for start, end, groups in _verif_every(known, text)]
    if count:
        matches = matches[:count]
    out, at = [], 0
    for start, end, groups, match in matches:
        out.append(text[at:start])
        if made is None:
            new = repl(match)
            if not isinstance(new, str):
                raise TypeError("expected str instance")
            out.append(new)
        else:
            for part in made:
                if isinstance(part, str):
                    out.append(part)
                else:
                    group = text[start:end] if part == 0 else groups[part - 1]
                    out.append("" if group is None else group)
        at = end
    out.append(text[at:])
    return ("".join(out), len(matches))
