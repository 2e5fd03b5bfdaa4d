"""The functions of `re`, and the idioms of checkers that have a faster way. Fed after `matching.py`."""

_verif_words = {}
_verif_lowered = ["", "", True]
_verif_counted = ["", 0]
_verif_other_space = _verif_re.compile(r"[\x1c-\x1f]|[^\S \n]")


def _verif_word(pattern):
    r"""The text without which `\bword\b` and the like cannot match; "" if the pattern is anything else."""
    word = pattern
    if word[:2] == "\\b":
        word = word[2:]
    if word[-2:] == "\\b":
        word = word[:-2]
    out = ""
    escaped = False
    for c in word:
        if escaped:
            if c.isalnum() or not c.isascii():
                return ""
            out += c
            escaped = False
        elif c == "\\":
            escaped = True
        elif c.isalnum() or c in " _":
            out += c
        else:
            return ""
    return "" if escaped else out


def _verif_search(pattern, string, flags=0):
    if isinstance(pattern, str) and isinstance(string, str):
        word = _verif_words.get(pattern)
        if word is None:
            word = _verif_word(pattern)
            if len(_verif_words) > 2000:
                _verif_words.clear()
            _verif_words[pattern] = word
        if word:
            if flags == 0:
                if word not in string:
                    return None
            elif flags == 2 and word.isascii():
                if _verif_lowered[0] != string:
                    _verif_lowered[1] = string.lower()
                    _verif_lowered[2] = not (
                        "\u017f" in string or "\u212a" in string or "\u0130" in string or "\u0131" in string
                    )
                    _verif_lowered[0] = string
                if _verif_lowered[2] and word.lower() not in _verif_lowered[1]:
                    return None
    return _verif_form(_verif_compiled(pattern, flags), string).search(string)


def _verif_match(pattern, string, flags=0):
    return _verif_form(_verif_compiled(pattern, flags), string).match(string)


def _verif_fullmatch(pattern, string, flags=0):
    return _verif_whole(_verif_compiled(pattern, flags), string)


def _verif_findall(pattern, string, flags=0):
    return _verif_findall_of(_verif_compiled(pattern, flags), string)


def _verif_finditer(pattern, string, flags=0):
    return _verif_finditer_of(_verif_compiled(pattern, flags), string)


def _verif_split(pattern, string, maxsplit=0, flags=0):
    return _verif_split_of(_verif_compiled(pattern, flags), string, maxsplit)


def _verif_sub(pattern, repl, string, count=0, flags=0):
    return _verif_sub_of(_verif_compiled(pattern, flags), repl, string, count)[0]


def _verif_subn(pattern, repl, string, count=0, flags=0):
    return _verif_sub_of(_verif_compiled(pattern, flags), repl, string, count)


def _verif_compile(pattern, flags=0):
    return _verif_give(pattern, flags)


def _verif_escape_text(pattern):
    return _verif_re.escape(pattern)


def _verif_find_words(pattern, string, flags=0):
    r"""`findall` of `\b\w+\b`: the run is greedy, so it starts and ends at boundaries anyway."""
    return _verif_findall_of(_verif_compiled(r"\w+", flags), string)


def _verif_split_after(pattern, chars, string):
    r"""`split` at white space after one of some marks: a NUL is put there and split at."""
    if not isinstance(string, str) or "\x00" in string or _verif_is_odd(string):
        return _verif_split(pattern, string)
    return _verif_compiled(chars + r"\s+", 0)._plain.sub("\\1\x00", string).split("\x00")


def _verif_count(text):
    """The number of words of a text; siblings that count the same text count it once."""
    if not isinstance(text, str):
        return len(text.split())
    if _verif_counted[0] != text:
        words = text
        if _verif_other_space.search(words):
            count = len(words.split())
        else:
            words = words.replace("\n", " ")
            while "  " in words:
                words = words.replace("  ", " ")
            words = words.strip(" ")
            count = words.count(" ") + 1 if words else 0
        _verif_counted[1] = count
        _verif_counted[0] = text
    return _verif_counted[1]
