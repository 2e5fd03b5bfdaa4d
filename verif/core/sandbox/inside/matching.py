"""The functions of `re` with CPython's results, over the engine's own. Fed after `patterns.py`.

A pattern is translated once and kept (`_verif_known`, a cache and nothing else). A text with `odd` characters
takes the exact form, any other the plain one. Where a pattern can match the empty text and more, the engine goes
on differently after an empty match: `_verif_every` finds those matches as CPython does, or they are refused.
"""

_verif_known = {}
_verif_last = ["", False]
_verif_own = [None]


class _verif_Known:
    """A translated pattern. All checkers of a session use it, so none of them ever holds it."""

    def __init__(self, pattern, flags, plain, exact, facts):
        self.pattern = pattern
        self._flags = flags
        self._plain = plain
        self._exact = exact
        self._ended = None
        self._facts = facts


def _verif_begin():
    """Before each check: what the last one was given of compiled patterns is nothing to the next."""
    _verif_own[0] = None


def _verif_given():
    """The class of the compiled patterns that this check holds, and these: whoever may write its attributes changes
    none that another check sees. What CPython's has and this one lacks is refused when the checker is read."""

    class Pattern:
        def __init__(self, pattern, flags):
            self.pattern = pattern
            self._flags = flags

        def search(self, string):
            return _verif_form(_verif_compiled(self, 0), string).search(string)

        def match(self, string):
            return _verif_form(_verif_compiled(self, 0), string).match(string)

        def fullmatch(self, string):
            return _verif_whole(_verif_compiled(self, 0), string)

        def findall(self, string):
            return _verif_findall_of(_verif_compiled(self, 0), string)

        def finditer(self, string):
            return _verif_finditer_of(_verif_compiled(self, 0), string)

        def split(self, string, maxsplit=0):
            return _verif_split_of(_verif_compiled(self, 0), string, maxsplit)

        def sub(self, repl, string, count=0):
            return _verif_sub_of(_verif_compiled(self, 0), repl, string, count)[0]

        def subn(self, repl, string, count=0):
            return _verif_sub_of(_verif_compiled(self, 0), repl, string, count)

    return (Pattern, {})


def _verif_is_pattern(value):
    return _verif_own[0] is not None and isinstance(value, _verif_own[0][0])


def _verif_give(pattern, flags):
    """A compiled pattern for the checker: within a check the same one for the same pattern, as in CPython."""
    _verif_compiled(pattern, flags)
    if _verif_is_pattern(pattern):
        return pattern
    if _verif_own[0] is None:
        _verif_own[0] = _verif_given()
    kind, given = _verif_own[0]
    key = (pattern, int(flags) & ~_VERIF_U)
    if key not in given:
        given[key] = kind(pattern, int(flags))
    return given[key]


def _verif_native(text):
    try:
        return _verif_re.compile(text)
    except Exception:
        return None


def _verif_compiled(pattern, flags):
    if _verif_is_pattern(pattern):
        if flags:
            raise ValueError("cannot process flags argument with a compiled pattern")
        pattern, flags = pattern.pattern, pattern._flags
    if not isinstance(pattern, str) or not isinstance(flags, int):
        _verif_refuse("a pattern that is no text")
    key = (pattern, int(flags))
    known = _verif_known.get(key)
    if known is None:
        plain, facts = _verif_translate_pattern(pattern, int(flags), False)
        native = None if facts["odd"] else _verif_native(plain)
        known = _verif_Known(pattern, int(flags), native, None, facts)
        if len(_verif_known) > 500:
            _verif_known.clear()
        _verif_known[key] = known
    return known


def _verif_is_odd(text):
    """True if the engine's own tables may decide otherwise than CPython's on this text."""
    if _verif_last[0] != text:
        _verif_last[1] = _verif_odd.search(text) is not None
        _verif_last[0] = text
    return _verif_last[1]


def _verif_form(known, text):
    if not isinstance(text, str):
        raise TypeError("expected string or bytes-like object, got another type")
    if known._plain is not None and not _verif_is_odd(text):
        if not known._facts["end"] or text[-1:] != "\n":
            return known._plain
        if known._ended is None:
            known._ended = _verif_native(
                _verif_translate_pattern(known.pattern, known._flags, False, True)[0]
            )
        if known._ended is not None:
            return known._ended
    if known._exact is None:
        exact, facts = _verif_translate_pattern(known.pattern, known._flags, True)
        known._exact = _verif_native(exact)
        if known._exact is None:
            _verif_refuse("a pattern that the engine does not compile")
    return known._exact


def _verif_whole(known, text):
    _verif_form(known, text)
    exact, facts = _verif_translate_pattern(known.pattern, known._flags, True)
    native = _verif_native("\\A(?:" + exact + ")\\z")
    if native is None:
        _verif_refuse("a pattern that the engine does not compile")
    return native.match(text)


def _verif_simple(known):
    """True if the engine's own succession of matches is CPython's: never empty, or always."""
    return known._facts["least"] > 0 or known._facts["most"] == 0


def _verif_every(known, text):
    """(start, end, groups) of all matches of a pattern that may be empty and may not."""
    facts = known._facts
    if facts["lazy"] or facts["refs"]:
        _verif_refuse("a pattern that may match nothing, with alternatives")
    _verif_form(known, text)
    exact, facts = _verif_translate_pattern(known.pattern, known._flags, True)
    native = _verif_native("(?=(" + exact + "))")
    if native is None:
        _verif_refuse("a pattern that the engine does not compile")
    out = []
    at, used = 0, False  # used: an empty match at `at` has been taken
    for match in native.finditer(text):
        start, end = match.start(), match.end(1)
        if start < at or (used and start == at and end == start):
            continue
        out.append((start, end, match.groups()[1:]))
        at, used = end, end == start
        if not used:
            # The next match may be empty right here; the loop will come to it.
            continue
    return out


def _verif_findall_of(known, text):
    native = _verif_form(known, text)
    if _verif_simple(known):
        return native.findall(text)
    count = known._facts["groups"]
    out = []
    for start, end, groups in _verif_every(known, text):
        texts = tuple(["" if group is None else group for group in groups])
        out.append(text[start:end] if count == 0 else texts[0] if count == 1 else texts)
    return out


def _verif_finditer_of(known, text):
    native = _verif_form(known, text)
    if not _verif_simple(known):
        _verif_refuse("finditer with a pattern that may match nothing")
    return native.finditer(text)


def _verif_split_of(known, text, maxsplit=0):
    if not isinstance(maxsplit, int) or maxsplit < 0:
        _verif_refuse("a negative maxsplit")
    native = _verif_form(known, text)
    out, at = [], 0
    if _verif_simple(known):
        if maxsplit == 0 and known._facts["least"] > 0:
            return native.split(text)
        matches = [(m.start(), m.end(), m.groups()) for m in native.finditer(text)]
    else:
        matches = _verif_every(known, text)
    for start, end, groups in matches[:maxsplit] if maxsplit else matches:
        out.append(text[at:start])
        out.extend(groups)
        at = end
    out.append(text[at:])
    return out
