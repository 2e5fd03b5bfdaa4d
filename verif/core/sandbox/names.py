"""Names and what is known of them: which methods, functions and modules of the engine agree with CPython's.

A whitelist. Each entry was compared with CPython (`tests/core/sandbox/test_differential.py`); a checker that uses
anything else is refused, so that what was never compared never decides.
"""

from __future__ import annotations

STRING_METHODS = frozenset(
    """capitalize casefold center count endswith find index isalnum isalpha isascii isdecimal isdigit isidentifier
    islower isnumeric isspace istitle isupper join ljust lower lstrip partition removeprefix removesuffix replace rfind
    rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill""".split()  # noqa: SIM905
)
#: What `hasattr` says yes to.
LIST_NAMES = frozenset("append clear copy count extend index insert pop remove reverse sort".split())  # noqa: SIM905
DICT_NAMES = frozenset("clear copy fromkeys get items keys pop popitem setdefault update values".split())  # noqa: SIM905

#: Methods whose result depends on the tables of Unicode.
UNICODE_METHODS = frozenset(
    """capitalize casefold isalnum isalpha isdecimal isdigit isidentifier islower isnumeric isprintable istitle isupper
    lower swapcase title upper""".split()  # noqa: SIM905
)
SET_METHODS = frozenset(
    """add difference difference_update discard intersection intersection_update isdisjoint issubset issuperset
    symmetric_difference union""".split()  # noqa: SIM905
)
METHODS = (
    STRING_METHODS | LIST_NAMES | DICT_NAMES | SET_METHODS
    | frozenset(
        """expandtabs isprintable encode decode format translate maketrans
        group groups groupdict start end span search match fullmatch findall finditer sub subn pattern
        most_common elements total subtract appendleft popleft""".split()  # noqa: SIM905
    )
)  # fmt: skip
#: Keywords that both take, by method.
KEYWORDS = {
    "split": {"sep", "maxsplit"}, "rsplit": {"sep", "maxsplit"}, "splitlines": {"keepends"}, "sort": {"key", "reverse"},
    "expandtabs": {"tabsize"}, "encode": {"encoding", "errors"}, "decode": {"encoding", "errors"},
    "sub": {"repl", "string", "count"}, "subn": {"repl", "string", "count"}, "search": {"string"}, "match": {"string"},
    "fullmatch": {"string"}, "findall": {"string"}, "finditer": {"string"}, "most_common": {"n"},
}  # fmt: skip

#: Methods that change what they are called on: a generator that holds one must be walked as Python walks it.
MUTATORS = frozenset(
    """add append appendleft clear discard extend insert pop popitem popleft remove reverse setdefault sort subtract
    update difference_update intersection_update""".split()  # noqa: SIM905
)

RE_FUNCTIONS = {
    name: f"_verif_{name}"
    for name in ("search", "match", "fullmatch", "findall", "finditer", "split", "sub", "subn", "compile")
}
RE_FLAGS = {"I": 2, "IGNORECASE": 2, "M": 8, "MULTILINE": 8, "S": 16, "DOTALL": 16, "X": 64, "VERBOSE": 64,
            "A": 256, "ASCII": 256, "U": 32, "UNICODE": 32, "NOFLAG": 0}  # fmt: skip

#: What may be used of each module. Those of None have nothing that two runs of CPython agree on.
MODULES: dict[str, frozenset[str] | None] = {
    "re": frozenset({*RE_FUNCTIONS, *RE_FLAGS, "error", "escape"}),
    "json": frozenset({"loads", "dumps", "JSONDecodeError"}),
    "unicodedata": frozenset({"category", "combining", "normalize"}),
    "math": frozenset(
        """ceil comb copysign e fabs factorial floor fmod gcd inf isclose isfinite isinf isnan isqrt lcm log10 log2
        perm pi prod sqrt tau trunc""".split()  # noqa: SIM905
    ),
    "collections": frozenset({"Counter", "defaultdict", "deque"}),
    "itertools": frozenset(
        """chain from_iterable groupby product combinations permutations accumulate islice zip_longest takewhile
        dropwhile pairwise starmap repeat compress filterfalse count""".split()  # noqa: SIM905
    ),
    "string": frozenset(
        "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits punctuation whitespace printable".split()  # noqa: SIM905
    ),
    "typing": None, "__future__": None, "random": None, "time": None, "datetime": None, "os": None, "sys": None,
    "asyncio": None,
}  # fmt: skip

#: Builtins that only look into the running program, or whose value is CPython's own affair.
REFUSED_BUILTINS = frozenset(
    """__import__ breakpoint bytearray classmethod compile complex delattr dir eval exec getattr globals hash help id
    input locals memoryview object open property setattr staticmethod super vars __name__ __file__ __doc__ __debug__
    __builtins__ __spec__ __loader__ __package__""".split()  # noqa: SIM905
)
