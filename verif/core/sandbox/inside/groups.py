"""Reading the groups of a pattern: flags, names, look-around. Fed after `classes.py`; see `patterns.py`."""


def _verif_flags(st, c):
    """After `(?`: (added, removed, scoped); `c` is the first letter."""
    added, removed = 0, 0
    if c != "-":
        while True:
            if c in "Lt":
                _verif_refuse("the flag " + c + " in a pattern")
            added |= _verif_flag_letters[c]
            if added & _VERIF_A and added & _VERIF_U:
                _verif_wrong("bad inline flags: flags 'a', 'u' and 'L' are incompatible")
            c = _verif_get(st)
            if c == "":
                _verif_wrong("missing -, : or )")
            if c in ")-:":
                break
            if c not in "iLmsxaut":
                _verif_wrong("unknown flag")
    if c == ")":
        return (added, 0, False)
    if c == "-":
        c = _verif_get(st)
        if c == "":
            _verif_wrong("missing flag")
        if c not in "iLmsxaut":
            _verif_wrong("unknown flag")
        while True:
            if c in "Ltau":
                _verif_refuse("the flag " + c + " turned off in a pattern")
            removed |= _verif_flag_letters[c]
            c = _verif_get(st)
            if c == "":
                _verif_wrong("missing :")
            if c == ":":
                break
            if c not in "iLmsxaut":
                _verif_wrong("unknown flag")
    if added & removed:
        _verif_wrong("bad inline flags: flag turned on and off")
    if added & (_VERIF_U | _VERIF_A):
        _verif_refuse("the flags a and u for a part of a pattern")
    return (added, removed, True)


def _verif_name(st, end):
    name = ""
    while True:
        c = _verif_get(st)
        if c == "":
            _verif_wrong("missing " + end)
        if c == end:
            break
        name += c
    if not name.isidentifier():
        _verif_wrong("bad character in group name")
    if not name.isascii():
        _verif_refuse("a group name that is not ASCII")
    return name


def _verif_group(st, flags, exact, nothing_yet):
    """After `(`: a piece (kind, text, least, most, captures, nullable loops are refused) or new flags for the rest."""
    named = None
    captures = True
    head = ""
    if _verif_eat(st, "?"):
        c = _verif_get(st)
        if c == "":
            _verif_wrong("unexpected end of pattern")
        if c == "P":
            if _verif_eat(st, "="):
                name = _verif_name(st, ")")
                if name not in st["names"]:
                    _verif_wrong("unknown group name")
                return ("ref", _verif_backref(st, st["names"][name], flags), 0, _VERIF_MANY, False)
            if not _verif_eat(st, "<"):
                _verif_wrong("unknown extension ?P")
            named = _verif_name(st, ">")
        elif c == "#":
            while True:
                c = _verif_get(st)
                if c == "":
                    _verif_wrong("missing ), unterminated comment")
                if c == ")":
                    return ("none", "", 0, 0, False)
        elif c in "=!<":
            return _verif_look(st, c, flags, exact)
        elif c == ":":
            captures, head = False, "(?:"
        elif c == ">":
            captures, head = False, "(?>"
        elif c == "(":
            _verif_refuse("a conditional in a pattern")
        elif c in "iLmsxaut-":
            added, removed, scoped = _verif_flags(st, c)
            if not scoped:
                if not nothing_yet:
                    _verif_wrong("global flags not at the start of the expression")
                return ("flags", added, 0, 0, False)
            captures, head, flags = False, "(?:", (flags | added) & ~removed
        else:
            _verif_wrong("unknown extension ?" + c)
    number = 0
    if captures:
        if st["behind"]:
            _verif_refuse("a group in a look-behind")
        st["groups"] += 1
        number = st["groups"]
        st["open"].append(number)
        head = "("
        if named is not None:
            if named in st["names"]:
                _verif_wrong("redefinition of group name")
            st["names"][named] = number
            head = "(?P<" + named + ">"
    body, least, most, inner = _verif_alternatives(st, flags, exact, True)
    _verif_close(st)
    if captures:
        st["open"].remove(number)
    if head == "(?>":
        if inner:
            _verif_refuse("a group in an atomic group")
        st["lazy"] = True
    return ("group", head + body + ")", least, most, captures or inner)


def _verif_look(st, c, flags, exact):
    behind = c == "<"
    if behind:
        c = _verif_get(st)
        if c == "":
            _verif_wrong("unexpected end of pattern")
        if c not in "=!":
            _verif_wrong("unknown extension ?<")
    outer = st["behind"]
    st["behind"] = outer or behind
    body, least, most, inner = _verif_alternatives(st, flags, exact, True)
    st["behind"] = outer
    _verif_close(st)
    if behind and least != most:
        _verif_wrong("look-behind requires fixed-width pattern")
    if behind and (outer or least > 200):
        _verif_refuse("a look-behind in a look-behind, or a long one")
    return ("look", ("(?<" if behind else "(?") + c + body + ")", 0, 0, inner)
