"""Builtins and methods that the engine has otherwise than CPython, made right or refused. Fed after `patterns.py`."""

import json as _verif_json

import unicodedata as _verif_unicodedata


def _verif_text(instruction, response):
    """Refuse texts with characters that the engine's tables know and CPython 3.11's do not, or otherwise."""
    for place, text in ((0, instruction), (1, response)):
        if isinstance(text, str) and _verif_text_seen[place] != text:
            _verif_text_now(text)
            _verif_text_seen[place] = text


_verif_text_seen = ["", ""]


def _verif_chr(code):
    c = chr(code)
    _verif_text_now(c)
    return c


def _verif_caught(error):
    """The first statement of every handler of a checker: only errors that CPython raises too may be handled."""
    name = type(error).__name__
    said = str(error)
    if said[:8] == "_verif: " and name != "PatternError":
        raise error
    if name == "PatternError" and said[:8] != "_verif: ":
        _verif_refuse("an error of the engine's regular expressions was to be handled")
    if name == "ValueError" and (
        said[:5] == "chr()" or said[:5] == "pow()" or said[:7] == "invalid" and "form" in said
    ):
        _verif_refuse("an error that only the engine raises was to be handled: " + said[:80])
    if name == "AttributeError" and "'NoneType' object has no attribute" in said:
        return
    if name not in (
        "ValueError", "KeyError", "IndexError", "ZeroDivisionError", "StopIteration", "AssertionError",
        "JSONDecodeError", "PatternError", "UnicodeDecodeError", "UnicodeEncodeError", "OverflowError", "Exception",
    ):  # fmt: skip
        _verif_refuse(
            "an error that the engine may raise otherwise was to be handled: " + name + ": " + said[:80]
        )


def _verif_int(value=0, *more):
    if isinstance(value, str) and not value.isascii():
        for c in value:
            if c.isdecimal() and not c.isascii():
                _verif_refuse("int() of digits that are not ASCII")
    return int(value, *more)


def _verif_float(value=0.0):
    if isinstance(value, str) and not value.isascii():
        for c in value:
            if c.isdecimal() and not c.isascii():
                _verif_refuse("float() of digits that are not ASCII")
    number = float(value)
    if number != number:
        _verif_refuse("float() gives NaN")
    return number


def _verif_round(number, ndigits=None):
    if ndigits is None or not isinstance(number, float):
        return round(number) if ndigits is None else round(number, ndigits)
    if not isinstance(ndigits, int) or ndigits < 0 or ndigits > 15 or abs(number) > 1e15:
        _verif_refuse("round() to such places")
    return float(f"{number:.{int(ndigits)}f}")


def _verif_hasattr(value, name):
    if isinstance(value, str):
        return name in _verif_str_names
    if isinstance(value, list):
        return name in _verif_list_names
    if isinstance(value, dict) and type(value) is dict:
        return name in _verif_dict_names
    if value is None or isinstance(value, bool | int | float):
        if name in _verif_str_names or name in _verif_list_names or name in _verif_dict_names:
            return False
    _verif_refuse("hasattr of such a value")


def _verif_at(position, length, otherwise):
    if position is None:
        return otherwise
    return max(position + length, 0) if position < 0 else position


def _verif_from(value, name, *given):
    """A search in a text between positions: the engine takes a part that ends before it begins for an empty one."""
    if isinstance(value, str) and len(given) > 1:
        start, end = given[1], given[2] if len(given) > 2 else None
        if isinstance(start, int | None) and isinstance(end, int | None):
            length = len(value)
            if _verif_at(start, length, 0) > min(_verif_at(end, length, length), length):
                if name in ("find", "rfind"):
                    return -1
                if name == "count":
                    return 0
                if name in ("index", "rindex"):
                    raise ValueError("substring not found")
                return False
    if name == "find":
        return value.find(*given)
    if name == "rfind":
        return value.rfind(*given)
    if name == "index":
        return value.index(*given)
    if name == "rindex":
        return value.rindex(*given)
    if name == "count":
        return value.count(*given)
    if name == "startswith":
        return value.startswith(*given)
    return value.endswith(*given)


def _verif_shown(value):
    """A value that is formatted with a specification: only texts and numbers take one."""
    if not isinstance(value, str | int | float):
        _verif_refuse("a format specification for such a value")
    return value


def _verif_ordered(values):
    """What is walked through: a set whose order is fixed in CPython (numbers) and not here is ordered, or refused."""
    if not isinstance(values, set | frozenset) or len(values) < 2:
        return values
    items = list(values)
    if all([isinstance(item, str) for item in items]):
        return items  # CPython orders them anew in every process
    room = 8
    if len(items) > 4:
        while room <= 2 * len(items):
            room = 2 * room
    if all([isinstance(item, int) and 0 <= item < room for item in items]):
        return sorted(items)
    _verif_refuse("the order of a set")


def _verif_loads(text):
    if not isinstance(text, str):
        _verif_refuse("json of what is no text")
    try:
        value = _verif_json.loads(text)
        if "\\u" in text:
            _verif_text_now(_verif_json.dumps(value, ensure_ascii=False))
        return value
    except ValueError as error:
        if "recursion" in str(error) or _verif_surrogate.search(text) is not None:
            _verif_refuse("json that CPython may read")
        raise error


_verif_surrogate = _verif_re.compile(r"\\u[dD][89abcdefABCDEF]")


def _verif_category_of(c):
    _verif_text_now(c)
    return _verif_unicodedata.category(c)


def _verif_normalize(form, text):
    _verif_text_now(text)
    return _verif_unicodedata.normalize(form, text)


def _verif_combining(c):
    _verif_text_now(c)
    return _verif_unicodedata.combining(c)


def _verif_text_now(text):
    if isinstance(text, str) and _verif_strange.search(text) is not None:
        _verif_refuse("the text has characters that CPython 3.11 does not know")


def _verif_any(items, test):
    """`any` of a generator that must stop at its first hit; `test` gives [] for what its conditions leave out."""
    for item in items:
        outcome = test(item)
        if outcome and outcome[0]:
            return True
    return False


def _verif_all(items, test):
    for item in items:
        outcome = test(item)
        if outcome and not outcome[0]:
            return False
    return True


def _verif_next(items, *default):
    """`next` of a generator that is used for nothing else."""
    for item in items:
        return item
    if default:
        return default[0]
    raise StopIteration


def _verif_not_a_set(value):
    """Refuse what is shown as a text and looks otherwise in CPython: a set in its own order, a compiled pattern."""
    if isinstance(value, set | frozenset) and len(value) > 1:
        _verif_refuse("the order of a set")
    if _verif_is_pattern(value):
        _verif_refuse("the look of a compiled pattern")
    if isinstance(value, list | tuple):
        for item in value:
            _verif_not_a_set(item)
    elif isinstance(value, dict):
        for key in value:
            _verif_not_a_set(value[key])
    return value


def _verif_pop(value):
    if isinstance(value, set) and len(value) > 1:
        _verif_refuse("the order of a set")
    return value.pop()


def _verif_maketrans(x, y=None, z=""):
    if y is None:
        return {(ord(k) if isinstance(k, str) else k): v for k, v in x.items()}
    if len(x) != len(y):
        raise ValueError("the first two maketrans arguments must have equal length")
    table = {ord(a): ord(b) for a, b in zip(x, y)}
    for c in z:
        table[ord(c)] = None
    return table


def _verif_translate(text, table):
    if not isinstance(text, str):
        _verif_refuse("translate of what is no text")
    out = []
    for c in text:
        new = table.get(ord(c), c)
        if new is None:
            continue
        out.append(chr(new) if isinstance(new, int) else new)
    return "".join(out)
