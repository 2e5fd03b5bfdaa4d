"""Random harmless checkers: typed expressions over the response, in the forms that model-written checkers take."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

WORDS = (
    "a",
    "the",
    "word",
    "Word",
    "K",
    "é",
    "İ",
    "ß",
    "1",
    "23",
    " ",
    "  ",
    ",",
    ".",
    "\n",
    "-",
    "",
    "ʰ",
    "ǆ",
    "²",
    "٣",
    "Σ",
)
NUMBERS = (-7, -2, -1, 0, 1, 2, 3, 5, 10, 100)
FLOATS = ("0.5", "1.5", "2.5", "2.675", "0.1", "-0.5", "1e3", "1e16", "3.0")
RESPONSES = ("", "a", "The word, the Word.\n", "one two  three\n\nfour. Five! Six?\n", "a\nb\r\nc\x1cd\u2028e", "- item 1\n- item 2\n- item 3",
             "1. first\n2. second\n", "K\u212a İı ſs ßẞ ΣσςΣ", "é e\u0301 ² ½ ٣ 中文", '{"a": 1, "b": [1, 2.5, null, "x"], "a": 2}', "12", " 12 ", "1_0",
             "٣", "nan", "3.14", "\u00a0x\u3000y\x85", "\x1f", "**bold** and *it* <<title>> [x] `c`", "Hello, World! It's 5 o'clock.\n\tTab", "ʰ",
             "a b a c b a", "aaa", "A" * 30, "  lead", "trail  ", "ǆ ǅ Ǆ ŉ ﬁ")  # fmt: skip


class Maker:
    """Makes expressions of a type, deeper ones rarer."""

    def __init__(
        self, rng: random.Random, idioms: Sequence[str], pattern: Callable[[random.Random], str]
    ) -> None:
        self.rng, self.idioms, self.pattern = rng, idioms, pattern
        self.depth = 0

    def pick(self, *forms: str) -> str:
        return self.fill(self.rng.choice(forms))

    def fill(self, form: str) -> str:
        """Replace $S (text), $I (number), $L (list of texts), $B (truth), $N (list of numbers), $F, $P by expressions."""
        out = []
        parts = form.split("$")
        out.append(parts[0])
        for part in parts[1:]:
            out.append(getattr(self, "make_" + part[0])() + part[1:])
        return "".join(out)

    def deep(self, chance: float = 0.55) -> bool:
        return self.depth < 4 and self.rng.random() < chance

    def nest(self, *forms: str) -> str:
        self.depth += 1
        try:
            return "(" + self.pick(*forms) + ")"
        finally:
            self.depth -= 1

    def make_W(self) -> str:
        return repr(self.rng.choice(WORDS))

    def make_K(self) -> str:
        return str(self.rng.choice(NUMBERS))

    def make_P(self) -> str:
        if self.rng.random() < 0.6:
            return repr(self.rng.choice(self.idioms))
        return repr(self.pattern(self.rng))

    def make_G(self) -> str:
        return self.rng.choice(
            (
                "re.I",
                "re.IGNORECASE",
                "re.M",
                "re.MULTILINE | re.IGNORECASE",
                "re.DOTALL",
                "re.ASCII",
                "0",
                "re.X",
            )
        )

    def make_S(self) -> str:
        if not self.deep():
            return self.rng.choice(("response", "response", "response", self.make_W()))
        return self.nest(
            "$S.lower()", "$S.upper()", "$S.strip()", "$S.strip($W)", "$S.title()", "$S.capitalize()", "$S.casefold()", "$S.swapcase()",
            "$S.replace($W, $W)", "$S.replace($W, $W, $K)", "$S[$K:]", "$S[:$K]", "$S[::-1]", "$S[$K:$K:2]", "$S[$K]", "$S + $S",
            "$S * 2", "$W.join($L)", "$S.center($K, '*')", "$S.zfill($K)", "$S.ljust($K)", "$S.expandtabs($K)", "$S.removeprefix($W)",
            "$S.partition($W)[2]", "$S.rpartition($W)[0]", "str($I)", "str($F)", "str($L)", "repr($S)", "f'{$S}'.strip()", "f'{$I:>5}'",
            "f'{$F:.1f}'", "f'{$F:.2f}|{$I:05d}'", "'{} {}'.format($S, $I)", "'{:>8}'.format($S)", "'%s-%d' % ($S, $I)", "'%5.2f' % $F",
            "max($L)", "min($L, key=len)", "max($L, key=len, default='')", "next((w for w in $L if len(w) > 1), '')", "re.sub($P, '-', response)",
            "re.sub($P, r'[\\g<0>]', $S)", "re.escape($S)", "$S if $B else $S", "$S or $S", "''.join(sorted($S))", "chr(ord('a') + 2)",
            "''.join(c for c in $S if c.isalpha())", "''.join(reversed($S))", "$L[0]", "$L[-1]", "$S.translate(str.maketrans('ab', 'xy'))",
            "format($F, '.3f')", "re.sub($P, lambda m: m.group().upper(), $S)", "json.dumps($L)", "''.join(map(str.lower, $L))",
            "unicodedata.normalize('NFC', $S)", "'{:<6}|{:^7}'.format($S, $I)", "f'{$S!r:>10}'", "f'{len($S) = }'", "str($N)", "str(tuple($L))",
            "Counter($S).most_common(1)[0][0]", "string.ascii_letters[$K]")  # fmt: skip

    def make_I(self) -> str:
        if not self.deep():
            return self.rng.choice((self.make_K(), "len(response)", "len(response.split())"))
        return self.nest(
            "len($S)", "len($L)", "$S.count($W)", "$S.find($W)", "$S.find($W, $K)", "$S.rfind($W)", "$S.find($W, $K, $K)", "$I + $I", "$I - $I",
            "$I * $I", "$I // $K", "$I % $K", "abs($I)", "min($I, $I)", "max($I, $I)", "int($S)", "int($F)", "round($F)", "sum($N)",
            "sum(1 for w in $L if $B)", "sum(len(w) for w in $L)", "len(set($L))", "len(re.findall($P, $S))", "len(re.split($P, $S))",
            "$L.count($W)", "divmod($I, 3)[1]", "ord($W)", "$I if $B else $I", "len($S.splitlines())", "int($B)", "$S.index($W)",
            "len(list(re.finditer($P, $S)))", "sum(map(len, $L))", "Counter($L)[$W]", "len(Counter($S))", "max($N)", "max($N, default=0)",
            "-$I", "~$I", "$I & 3", "$I | 4", "$I ^ 1", "$I << 2", "$I ** 2", "len(filter(None, $L))", "len(zip($L, $L))", "math.floor($F)",
            "math.ceil($F)", "len($S.split($W))", "len($S.encode())", "bool($I) + 1", "sorted($N)[0]", "len(dict(zip($L, $N)))",
            "sum(c.isupper() for c in $S)", "len({c for c in $S})", "len(max($L, key=len))", "list({3, 1, 2})[0]", "len($S.rsplit(None, 1))",
            "sum(set($N))", "json.loads($S)['a']", "(m.start() if (m := re.search($P, $S)) else -1)", "$S.startswith($W, $K)")  # fmt: skip

    def make_F(self) -> str:
        if not self.deep(0.4):
            return self.rng.choice(FLOATS)
        return self.nest("$F + $F", "$F * $I", "$I / $K", "round($F, $K)", "round($F, 1)", "float($S)", "float($I)", "$F / $F", "$F // $F", "$F % $F",
                         "sum([$F, $F])", "abs($F)", "math.sqrt(abs($F))", "$F ** 2", "$F if $B else $F", "max($F, $I)", "len($L) / max(1, len($S))")  # fmt: skip

    def make_N(self) -> str:
        if not self.deep(0.5):
            return self.rng.choice(("[1, 2, 3]", "[]", "[3, 1, 2]", "[0.5, 2, True]"))
        return self.nest("[len(w) for w in $L]", "list(map(len, $L))", "sorted($N)", "sorted($N, reverse=True)", "[$I, $I]", "list(range($K))",
                         "list(range($K, $K, -1))", "[i for i, w in enumerate($L) if $B]", "$N + $N", "$N[::-1]", "$N[$K:$K]", "[int(x) for x in re.findall(r'\\d+', $S)]",
                         "list(set($N))", "[x * 2 for x in $N if x > 1]", "list(Counter($S).values())", "list(map(int, $L))", "[ord(c) for c in $S]",
                         "list({len(w) for w in $L})", "[m.start() for m in re.finditer($P, $S)]", "list(accumulate($N))")  # fmt: skip

    def make_L(self) -> str:
        if not self.deep():
            return self.rng.choice(
                (
                    "response.split()",
                    "response.split()",
                    "response.splitlines()",
                    "['a', 'b']",
                    "[]",
                    "response.split('\\n')",
                )
            )
        return self.nest(
            "$S.split()", "$S.split($W)", "$S.split(None, $K)", "$S.split($W, $K)", "$S.rsplit($W, 1)", "$S.splitlines()", "$S.splitlines(True)", "list($S)",
            "sorted($L)", "sorted($L, key=len)", "sorted($L, key=str.lower, reverse=True)", "sorted(set($L))", "[w for w in $L if $B]", "[w.strip('.,!?') for w in $L]",
            "[w.lower() for w in $L]", "re.findall($P, $S)", "re.findall($P, $S, $G)", "re.split($P, $S)", "re.split($P, $S, maxsplit=1)", "$L[$K:]", "$L[::-1]",
            "$L[$K:$K]", "$L + $L", "list(filter(None, $L))", "list(map(str.strip, $L))", "list(reversed($L))", "list(dict.fromkeys($L))",
            "[a + b for a, b in zip($L, $L)]", "[str(n) for n in $N]", "[f'{i}{w}' for i, w in enumerate($L, 1)]", "list($S.partition($W))", "[w for w in $L for c in w][:5]",
            "list(Counter($L))", "[k for k, v in Counter($L).items() if v > 1]", "[w for w, n in Counter($L).most_common(2)]", "list({w: 1 for w in $L})",
            "[m.group() for m in re.finditer($P, $S)]", "$L * 2", "list(chain($L, $L))", "[*$L, $S]", "[p.strip() for p in $S.split('\\n\\n') if p.strip()]",
            "list(map(lambda w: w[:1], $L))", "[(lambda x: x + '!')(w) for w in $L]", "re.compile($P).findall($S)", "list(islice($L, 2))", "list(set($S))")  # fmt: skip

    def make_B(self) -> str:
        if not self.deep(0.65):
            return self.rng.choice(
                (
                    "True",
                    "False",
                    "'a' in response",
                    "len(response) > 3",
                    "response.startswith('a')",
                    "bool(response)",
                )
            )
        return self.nest(
            "$I > $I", "$I == $I", "$I <= $K", "$K < $I < $K", "$S == $S", "$S < $S", "$W in $S", "$W not in $S", "$S in $L", "$L == $L", "$L < $L", "$N == $N",
            "not $B", "$B and $B", "$B or $B", "any($B for w in $L)", "all($B for w in $L)", "any(w in $S for w in $L)", "all(len(w) > $K for w in $L)",
            "any(c.isdigit() for c in $S)", "all(c.islower() for c in $S)", "$S.startswith($W)", "$S.endswith($W)", "$S.startswith($W, $K)", "$S.endswith(('.', '!'))",
            "$S.isalpha()", "$S.isdigit()", "$S.isnumeric()", "$S.isdecimal()", "$S.isalnum()", "$S.isupper()", "$S.islower()", "$S.istitle()", "$S.isspace()", "$S.isascii()",
            "$S.isidentifier()", "$S.isprintable()", "bool(re.search($P, $S))", "re.search($P, $S, $G) is not None", "bool(re.match($P, $S))", "bool(re.fullmatch($P, $S, $G))",
            "bool($L)", "bool($S)", "bool($I)", "isinstance($S, str)", "isinstance($I, (int, float))", "$F > $F", "$F == $F", "round($F, 1) == $F", "set($L) == set($L)",
            "set($L) <= set($L)", "set($L) & set($L)", "set($L) - {$W}", "hasattr($S, 'lower')", "hasattr($L, 'upper')", "hasattr($S, 'append')", "bool(map(len, $L))", "bool(filter(None, $L))",
            "$S is None", "$I is not None", "$S != $S", "$S and $S", "any(map(str.isupper, $S))", "$N < $N", "any(n > $K for n in $N)", "type($S) is str", "type($I) == int",
            "bool(w for w in $L)", "Counter($S) == Counter($S)", "tuple($L) == tuple($L)", "(m := re.search($P, $S)) is not None and m.group() == $S", "$S[$K] == $S[$K]",
            "$B == $B", "$B if $B else $B", "all(int(w) for w in $L)", "json.loads($S)", "len($S.split()) == len(response.split())", "re.compile($P, $G).search($S) is not None",
            "all(a <= b for a, b in zip($L, $L[1:]))", "any(w.lower() == $S for w in $L)", "dict(zip($L, $N)) == {}", "re.I == 2", "bool(re.sub($P, '', $S))")  # fmt: skip


BODIES = (
    "return $B", "return $B", "return $B", "return $L", "return $S", "return $I", "return $N", "return $F", "return filter(None, $L)", "return map(len, $L)",
    "return zip($L, $L)", "return (w for w in $L)", "return reversed($L)", "return re.search($P, response)", "return re.finditer($P, $S)",
    "words = $L\n    return $B or words == $L",
    "try:\n        return $B\n    except $X:\n        return $B",
    "try:\n        x = $I\n    except $X:\n        return $B\n    else:\n        return x > $K\n    finally:\n        pass",
    "try:\n        x = $I\n    except ($X, $X) as e:\n        x = $K\n    return x == $I",
    "n = 0\n    for w in $L:\n        if $B:\n            continue\n        n += len(w)\n        if n > 5:\n            break\n    else:\n        return $B\n    return n > $K",
    "counts = {}\n    for w in $L:\n        counts[w] = counts.get(w, 0) + 1\n    return max(counts.values(), default=0) > $K",
    "seen = set()\n    return any(w in seen or seen.add(w) for w in $L)",
    "def helper(t, k=$K):\n        return len(t) > k\n    return helper($S) and $B",
    "if $B:\n        return $B\n    elif $B:\n        return $B\n    return $B",
    "lines = [l for l in $L if l.strip()]\n    return len(lines) >= $K and all($B for w in lines)",
    "a, *rest = $L\n    return len(rest) > $K and a != $S",
    "first, second = $L\n    return first < second",
    "pattern = $P\n    return len(re.findall(pattern, response)) >= $K",
    "pattern = re.compile($P, $G)\n    return bool(pattern.search(response)) and len(pattern.split($S)) > $K",
    "keywords = ['word', 'a']\n    return all(re.search(r'\\b{}\\b'.format(re.escape(k)), $S, re.IGNORECASE) for k in keywords)",
    "x = $L\n    x.append($S)\n    x.sort()\n    return x[0] == $S",
    "x = $N\n    x.extend([$I])\n    x.reverse()\n    return x.pop() == $K",
    "parts = filter(None, $L)\n    return len(list(parts)) > $K",
    "parts = zip($L, $L)\n    return len(list(parts)) == len(list(parts))",
    "fs = [lambda: i for i in range(3)]\n    return fs[0]() == $K",
    "total = 0\n    while total < 3:\n        total += 1\n    return total == $I",
    "assert $B\n    return $B",
    "for c in {1, 5, 3}:\n        if c > $K:\n            return c == 3\n    return $B",
    "d = defaultdict(list)\n    for w in $L:\n        d[len(w)].append(w)\n    return len(d) > $K and str(dict(d))[0] == '{'",
    "class T:\n        def size(self):\n            return 3\n    return T().size() == $I",
    "class T:\n        __bool__ = lambda self: False\n    return T()",
    "class T:\n        def __ne__(self, o):\n            return False\n    return T() != 3",
    "x: int = $I\n    y = x\n    y += 1\n    return x < y",
    "return $B, $S", "pass", "return None", "x = y\n    y = $I\n    return $B", "return [w for w in $L if (n := len(w)) > 1] and n > $K",
    "m = re.search($P, response)\n    return m.group(1) == $S if m else $B", "m = re.match($P, $S)\n    return m.groups() == () and m.end() > $K",
    "data = None\n    try:\n        data = json.loads(response)\n    except json.JSONDecodeError:\n        return $B\n    return isinstance(data, dict) and 'a' in data",
    "try:\n        re.compile($P)\n    except re.error:\n        return False\n    return True",
    "text = response\n    for w in $L:\n        text = text.replace(w, '', 1)\n    return len(text) == $I",
    "res = []\n    for i in range(len($L)):\n        res.append(i)\n    return sum(res) % 2 == 0",
)  # fmt: skip
ERRORS = (
    "ValueError",
    "Exception",
    "IndexError",
    "KeyError",
    "TypeError",
    "AttributeError",
    "ZeroDivisionError",
    "LookupError",
    "NameError",
)
HEAD = ("import re\nimport json\nimport math\nimport string\nimport unicodedata\nfrom collections import Counter, defaultdict\n"
        "from itertools import chain, islice, accumulate\n")  # fmt: skip


def checker(rng: random.Random, idioms: Sequence[str], pattern: Callable[[random.Random], str]) -> str:
    """The source of a random checker."""
    maker = Maker(rng, idioms, pattern)
    body = rng.choice(BODIES).replace("$X", "\0")
    body = maker.fill(body)
    while "\0" in body:
        body = body.replace("\0", rng.choice(ERRORS), 1)
    head = (
        "import re\n"
        if not any(
            word in body
            for word in (
                "json",
                "math",
                "string",
                "unicodedata",
                "Counter",
                "default",
                "chain",
                "islice",
                "accum",
            )
        )
        else HEAD
    )
    return f"{head}def check_following(instruction, response):\n    {body}\n"
