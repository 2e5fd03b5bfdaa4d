r"""CPython's regular expressions, written in the dialect of the sandbox's engine (Rust: fancy-regex over regex).

`_verif_translate_pattern` reads a pattern as CPython 3.11 reads it (what CPython refuses raises `re.error`) and
writes one that matches the same texts. What cannot be said in the other dialect is refused (`_verif_refuse`).
Two forms are written: the plain one keeps the engine's own `\w`, `\d`, `\s`, `\b` and case folding, which are fast and
right on texts without `odd` characters (see `_verif_odd`); the exact one spells them out. `$` is plain on texts that
do not end in a line end; `ended` writes the plain form for those that do.

Fed into the engine as it stands, so: no classes, no generators, only names of its own and builtins.
"""


def _verif_alternatives(st, flags, exact, nested):
    """(text, least width, most width, holds groups) up to `)` or the end."""
    texts, least, most, groups = [], _VERIF_MANY, 0, False
    while True:
        text, low, high, inner, flags = _verif_sequence(st, flags, exact, not nested and not texts)
        texts.append(text)
        least = min(least, low)
        most = max(most, high)
        groups = groups or inner
        if not _verif_eat(st, "|"):
            break
        st["lazy"] = True
    return ("|".join(texts), least, most, groups)


def _verif_sequence(st, flags, exact, first):
    pieces = []  # [kind, text, least, most, holds groups]
    while True:
        c = _verif_peek(st)
        if c == "" or c in "|)":
            break
        st["i"] += 1
        if flags & _VERIF_X:
            if c in " \t\n\r\v\f":
                continue
            if c == "#":
                while True:
                    c = _verif_get(st)
                    if c == "" or c == "\n":
                        break
                continue
        if c == "\\":
            kind, value = _verif_escape(st, False)
            if kind == "lit":
                pieces.append(["one", _verif_literal(st, value, flags, exact), 1, 1, False])
            elif kind == "cat":
                pieces.append(["one", _verif_category(value, flags, exact), 1, 1, False])
            elif kind == "ref":
                pieces.append(["ref", _verif_backref(st, value, flags), 0, _VERIF_MANY, False])
            elif value == "A":
                pieces.append(["at", "\\A", 0, 0, False])
            elif value == "Z":
                pieces.append(["at", "\\z", 0, 0, False])
            else:
                pieces.append(["at", _verif_boundary(value, flags, exact), 0, 0, False])
        elif c == ".":
            pieces.append(["one", "(?s:.)" if flags & _VERIF_S else "[^\\n]", 1, 1, False])
        elif c == "^":
            pieces.append(["at", "(?m:^)" if flags & _VERIF_M else "\\A", 0, 0, False])
        elif c == "$":
            end = "(?m:$)" if flags & _VERIF_M else "(?=\\n?\\z)" if exact or st["ended"] else "\\z"
            st["end"] = st["end"] or not flags & _VERIF_M
            pieces.append(["at", end, 0, 0, False])
        elif c == "[":
            pieces.append(["one", _verif_class(st, flags, exact), 1, 1, False])
        elif c == "(":
            piece = _verif_group(st, flags, exact, first and not pieces)
            if piece[0] == "flags":
                flags |= piece[1]
                if flags & _VERIF_A and flags & _VERIF_U:
                    _verif_refuse("the flags ASCII and UNICODE together")
                st["flags"] = flags
            elif piece[0] != "none":
                pieces.append(list(piece))
        elif c in "*+?{":
            bounds = _verif_bounds(st, c)
            if bounds is None:
                pieces.append(["one", "\\{", 1, 1, False])
            else:
                _verif_repeat(st, pieces, bounds[0], bounds[1])
        else:
            pieces.append(["one", _verif_literal(st, c, flags, exact), 1, 1, False])
    text = "".join([piece[1] for piece in pieces])
    least = sum([piece[2] for piece in pieces])
    most = sum([piece[3] for piece in pieces])
    return (text, least, most, any([piece[4] for piece in pieces]), flags)


def _verif_bounds(st, c):
    """(least, most) of a repeat; None for a brace that is a character."""
    if c != "{":
        return {"*": (0, _VERIF_MANY), "+": (1, _VERIF_MANY), "?": (0, 1)}[c]
    start = st["i"]
    low = _verif_digits(st, 9, "0123456789")
    high = low
    if _verif_eat(st, ","):
        high = _verif_digits(st, 9, "0123456789")
        if high == "":
            high = str(_VERIF_MANY)
    if (low == "" and st["p"][start : start + 1] == "}") or not _verif_eat(st, "}"):
        if len(low) >= 9 or len(high) == 9:
            _verif_refuse("a repeat of many times")
        st["i"] = start
        return None
    least, most = int(low or "0"), int(high)
    if most < least:
        _verif_wrong("min repeat greater than max repeat")
    if least > 1000 or 1000 < most < _VERIF_MANY:
        _verif_refuse("a repeat of more than 1000 times")
    return (least, most)


def _verif_repeat(st, pieces, least, most):
    if not pieces or pieces[-1][0] == "at":
        _verif_wrong("nothing to repeat")
    kind, text, low, high, groups = pieces[-1]
    if kind == "repeat":
        _verif_wrong("multiple repeat")
    mode = ""
    if _verif_eat(st, "?"):
        mode = "?"
    elif _verif_eat(st, "+"):
        mode = "+"
    if kind == "look" or (low == 0 and (most > 1 or groups or mode)):
        _verif_refuse("a repeat of what may be empty")
    if mode:
        st["lazy"] = True
    if most == 0 and groups:
        _verif_refuse(
            "a group that is repeated zero times"
        )  # the engine forgets such a group, and its number
    if mode == "+" and groups:
        _verif_refuse("a possessive repeat of a group")
    if (least, most) == (0, _VERIF_MANY):
        sign = "*"
    elif (least, most) == (1, _VERIF_MANY):
        sign = "+"
    elif (least, most) == (0, 1):
        sign = "?"
    elif most == _VERIF_MANY:
        sign = "{" + str(least) + ",}"
    else:
        sign = "{" + str(least) + "," + str(most) + "}"
    whole = text + sign + ("?" if mode == "?" else "")
    if mode == "+":
        whole = "(?>" + whole + ")"
    pieces[-1] = ["repeat", "(?:" + whole + ")", low * least, min(high * most, _VERIF_MANY), groups]


def _verif_translate_pattern(pattern, flags, exact, ended=False):
    """(text, facts): facts are `odd`, `end` (holds `$`), `least`, `most` (widths), `groups`, `names`, `lazy`, `refs`."""
    if flags & ~(_VERIF_I | _VERIF_M | _VERIF_S | _VERIF_X | _VERIF_A | _VERIF_U):
        _verif_refuse("a flag of a regular expression")
    if flags & _VERIF_A and flags & _VERIF_U:
        _verif_refuse("the flags ASCII and UNICODE together")
    if len(pattern) > 20000:
        _verif_refuse("a long pattern")
    st = {"p": pattern, "i": 0, "groups": 0, "names": {}, "open": [], "behind": False, "odd": False,
          "lazy": False, "refs": False, "end": False, "ended": ended, "flags": flags}  # fmt: skip
    text, least, most, inner = _verif_alternatives(st, flags, exact, False)
    if st["i"] < len(pattern):
        _verif_wrong("unbalanced parenthesis")
    st["least"], st["most"] = least, most
    return (text, st)
