"""Reading a pattern character by character: escapes, categories, classes. Fed first; see `patterns.py`."""

import re as _verif_re

_VERIF_I, _VERIF_M, _VERIF_S, _VERIF_X, _VERIF_A, _VERIF_U = 2, 8, 16, 64, 256, 32
_VERIF_MANY = 1 << 40
_verif_flag_letters = {"i": 2, "m": 8, "s": 16, "x": 64, "a": 256, "u": 32}
_verif_simple_escapes = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_verif_letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_verif_ascii_sets = {"w": "0-9A-Za-z_", "d": "0-9", "s": " \t-\r"}


def _verif_refuse(why):
    """End the check: no handler of a checker keeps this error (see `_verif_caught`)."""
    raise RuntimeError("_verif: " + why)


def _verif_wrong(why):
    """CPython refuses the pattern."""
    raise _verif_re.error("_verif: " + why)


def _verif_peek(st):
    return st["p"][st["i"] : st["i"] + 1]


def _verif_get(st):
    c = st["p"][st["i"] : st["i"] + 1]
    st["i"] += 1
    return c


def _verif_eat(st, c):
    if st["p"][st["i"] : st["i"] + 1] == c:
        st["i"] += 1
        return True
    return False


def _verif_close(st):
    if not _verif_eat(st, ")"):
        _verif_wrong("missing ), unterminated subpattern")


def _verif_quote(c):
    """A character outside of a class."""
    return "\\" + c if c in "\\.+*?()|[]{}^$#&-~" else c


def _verif_quote_in(c):
    """A character inside of a class."""
    return "\\" + c if c in "\\[]^-&~#" else c


def _verif_digits(st, most, allowed):
    out = ""
    while len(out) < most and _verif_peek(st) != "" and _verif_peek(st) in allowed:
        out += _verif_get(st)
    return out


def _verif_hex(st, length):
    out = _verif_digits(st, length, "0123456789abcdefABCDEF")
    if len(out) != length:
        _verif_wrong("incomplete escape")
    return _verif_code(int(out, 16))


def _verif_code(number):
    if number > 0x10FFFF:
        _verif_wrong("bad escape")
    if 0xD800 <= number <= 0xDFFF:
        _verif_refuse("a surrogate in a pattern")
    return chr(number)


def _verif_escape(st, inside):
    """After a backslash: ("lit", c), ("cat", letter), ("at", letter) or ("ref", number)."""
    c = _verif_get(st)
    if c == "":
        _verif_wrong("bad escape (end of pattern)")
    if c in "dDsSwW":
        return ("cat", c)
    if c == "b" and inside:
        return ("lit", "\b")
    if c in "AbBZ" and not inside:
        return ("at", c)
    if c in _verif_simple_escapes:
        return ("lit", _verif_simple_escapes[c])
    if c == "x":
        return ("lit", _verif_hex(st, 2))
    if c == "u":
        return ("lit", _verif_hex(st, 4))
    if c == "U":
        return ("lit", _verif_hex(st, 8))
    if c == "N":
        _verif_refuse("\\N in a pattern")
    if c in "01234567" and (inside or c == "0"):
        number = int(c + _verif_digits(st, 2, "01234567"), 8)
        if number > 255:
            _verif_wrong("octal escape outside of range 0-0o377")
        return ("lit", chr(number))
    if c in "0123456789":
        if inside:
            _verif_wrong("bad escape")
        return _verif_number(st, c)
    if c in _verif_letters:
        _verif_wrong("bad escape \\" + c)
    return ("lit", c)


def _verif_number(st, c):
    more = _verif_digits(st, 1, "0123456789")
    if c in "01234567" and more != "" and more in "01234567":
        third = _verif_digits(st, 1, "01234567")
        if third != "":
            number = int(c + more + third, 8)
            if number > 255:
                _verif_wrong("octal escape outside of range 0-0o377")
            return ("lit", chr(number))
    group = int(c + more)
    if group > st["groups"]:
        _verif_wrong("invalid group reference")
    return ("ref", group)


def _verif_backref(st, group, flags):
    if group in st["open"]:
        _verif_wrong("cannot refer to an open group")
    if flags & _VERIF_I:
        _verif_refuse("a reference to a group without regard to case")
    if st["behind"]:
        _verif_refuse("a reference to a group in a look-behind")
    st["refs"] = True
    return "(?:\\" + str(group) + ")"


def _verif_set_of(letter, flags, exact):
    """The inside of a class for one of dDsSwW."""
    small = letter.lower()
    if flags & _VERIF_A:
        inside = _verif_ascii_sets[small]
    elif exact:
        inside = _verif_exact_sets[small]
    else:
        return "\\" + letter
    return inside if small == letter else "[^" + inside + "]"


def _verif_category(letter, flags, exact):
    if not flags & _VERIF_A and not exact:
        return "\\" + letter
    inside = _verif_set_of(letter.lower(), flags, exact)
    return ("[" if letter in "dsw" else "[^") + inside + "]"


def _verif_boundary(letter, flags, exact):
    if not flags & _VERIF_A and not exact:
        return "\\b" if letter == "b" else "(?:(?!\\A\\z)\\B)"
    word = "[" + _verif_set_of("w", flags, exact) + "]"
    if letter == "b":
        return "(?:(?<=" + word + ")(?!" + word + ")|(?<!" + word + ")(?=" + word + "))"
    inner = "(?:(?<=" + word + ")(?=" + word + ")|(?<!" + word + ")(?!" + word + "))"
    return "(?:(?!\\A\\z)" + inner + ")"


def _verif_folded(c, flags):
    """The characters that CPython takes for `c` without regard to case, as a string."""
    if flags & _VERIF_A:
        if c in _verif_letters:
            return c.lower() + c.upper()
        return c
    return _verif_fold.get(c, c)


def _verif_literal(st, c, flags, exact):
    if _verif_odd.search(c):
        st["odd"] = True
    if not flags & _VERIF_I:
        return _verif_quote(c)
    same = _verif_folded(c, flags)
    if same == c:
        return _verif_quote(c)
    if not exact and not flags & _VERIF_A:
        return "(?i:" + _verif_quote(c) + ")"
    return "[" + same + "]"


def _verif_class(st, flags, exact):
    """A class, after its `[`."""
    negated = _verif_eat(st, "^")
    items = []
    while True:
        c = _verif_get(st)
        if c == "":
            _verif_wrong("unterminated character set")
        if c == "]" and items:
            break
        first = _verif_escape(st, True) if c == "\\" else ("lit", c)
        if not _verif_eat(st, "-"):
            items.append(first if first[0] == "cat" else ("range", first[1], first[1]))
            continue
        c = _verif_get(st)
        if c == "":
            _verif_wrong("unterminated character set")
        if c == "]":
            items.append(first if first[0] == "cat" else ("range", first[1], first[1]))
            items.append(("range", "-", "-"))
            break
        last = _verif_escape(st, True) if c == "\\" else ("lit", c)
        if first[0] != "lit" or last[0] != "lit":
            _verif_wrong("bad character range")
        if last[1] < first[1]:
            _verif_wrong("bad character range")
        items.append(("range", first[1], last[1]))
    return ("[^" if negated else "[") + _verif_class_items(st, items, flags, exact) + "]"


def _verif_class_items(st, items, flags, exact):
    out = ""
    for item in items:
        if item[0] == "cat":
            out += _verif_set_of(item[1], flags, exact)
            continue
        low, high = item[1], item[2]
        out += _verif_quote_in(low)
        if low != high:
            out += "-" + _verif_quote_in(high)
        if low == high and _verif_odd.search(low):
            st["odd"] = True
        if not flags & _VERIF_I:
            continue
        if high > "\x7f" and low != high:
            st["odd"] = True
        if flags & _VERIF_A:
            for c in _verif_letters:
                if low <= c <= high:
                    out += _verif_folded(c, flags)
        elif low == high:
            out += "".join([_verif_quote_in(c) for c in _verif_folded(low, flags)])
        elif high > "\uffff" and low < "\U0001f000":
            _verif_refuse("a class of rare letters without regard to case")
        else:
            for group in _verif_fold_groups:
                for c in group:
                    if low <= c <= high:
                        out += group
                        break
    return out
