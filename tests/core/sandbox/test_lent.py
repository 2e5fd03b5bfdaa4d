"""What the harness lends to a checker is nobody else's: with `exec` in hand it can write to none of it.

The proof is switched off, as in `test_neighbours.py`; and with it on, companions alter no verdict.
"""

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from verif.core.sandbox import faithful, faster, lazy, program, purity, rewriting, shims
from verif.core.sandbox.sandbox import Sandbox
from verif.types import Status

TEXTS = ["two words", "one two three", "Zed. A two, yes"]
HEAD = "import re\nimport string\ndef check_following(i, r):\n"
VICTIMS = {
    HEAD + "    return bool(re.search(r'\\bw\\w+s\\b', r))\n": [True, False, False],
    HEAD + "    p = re.compile('w.r')\n    return bool(p.search(r)) and len(p.findall(r)) == 1\n": [True, False, False],
    HEAD + "    return any(c in string.punctuation for c in r)\n": [False, False, True],
    HEAD + "    return re.compile('a') == re.compile('a') != re.compile('b')\n": [True, True, True],
    "def check_following(i, r):\n    return r.lower() == r\n": [True, True, False],
}  # fmt: skip
GIVEN = (
    HEAD + "    p = re.compile(r'\\bw\\w+s\\b')\n    q = re.compile('w.r')\n"
    "    z = string.punctuation + r.lower()\n    {}\n    return True\n"
)
ATTACKS = [
    GIVEN.format("p._plain = q._plain = p._exact = q._exact = re.compile('zzz')._plain"),
    GIVEN.format("[setattr(o, n, re.compile('zzz')) for o in (p, q) for n in ('_plain', '_exact', '_ended')]"),
    GIVEN.format("p._facts.clear(); q._facts['least'] = 0"),
    GIVEN.format("q.pattern = 'zzz'; q._flags = 2; p.pattern = 'zzz'"),
    GIVEN.format("type(p).search = lambda self, text: None"),
    GIVEN.format("type(p).findall = type(p).match = lambda self, text: []"),
    GIVEN.format("setattr(type(p), 'search', lambda self, text: None)"),
    GIVEN.format("string.punctuation = ''"),
    GIVEN.format("setattr(string, 'punctuation', '')"),
    GIVEN.format("exec('_verif_string_punctuation = chr(0)')"),
    GIVEN.format("[re.compile(str(n)) for n in range(600)]"),
    GIVEN.format("o = _verif_compiled('w.r', 0); o._plain = o._exact = _verif_compiled('zzz', 0)._plain"),
    GIVEN.format("_verif_given()[0].search = None; _verif_begin()"),
    "class Liar:\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n"
    "def check_following(i, r):\n    return isinstance(r, str) and not check_following(i, Liar()) or r.lower()\n",
]  # fmt: skip


@pytest.fixture
def unproved(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(purity, "why_alone", lambda *given: "")
    monkeypatch.setattr(purity, "foreign", lambda nodes: "")
    monkeypatch.setattr(purity, "taken", lambda nodes: "")
    monkeypatch.setattr(faithful, "exotic", lambda nodes: "")
    monkeypatch.setattr(shims, "unsupported", lambda nodes: "")
    program.read.cache_clear()
    yield
    program.read.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("unproved")
def test_nothing_lent_can_be_written_to_for_a_neighbour() -> None:
    victims, wanted = list(VICTIMS), [list(row) for row in zip(*VICTIMS.values(), strict=True)]
    for attack in ATTACKS:
        with Sandbox(workers=1) as own:
            assert program.read(attack).shared
            for order in ([attack, *victims], [*victims, attack])[: 2 if attack in ATTACKS[::4] else 1]:
                place = order.index(attack)
                rows = own.check_group("Write.", order, TEXTS)
                for row, right in zip(rows, wanted, strict=True):
                    others = row[:place] + row[place + 1 :]
                    assert [cell.status is Status.PASS for cell in others] == right, attack


@pytest.mark.slow
def test_verdicts_are_the_same_alone_grouped_reversed_and_beside_the_attacks(root: Path) -> None:
    path = root / "tests" / "fuzz" / "engine.py"
    spec = importlib.util.spec_from_file_location("fuzz_engine_of_groups", path)
    assert spec is not None
    assert spec.loader is not None
    engine = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(engine)
    sources, texts = engine.make_checkers(771, 36), engine.checkers.RESPONSES
    with Sandbox(workers=1) as grouped, Sandbox(workers=1) as single:
        for some in (sources[at : at + 12] for at in range(0, len(sources), 12)):
            single._troubled.update(some)  # each of its checks has a session of its own
            alone = [[row[0].status for row in single.check_group("Write.", [s], texts)] for s in some]
            for group in (list(some), list(some)[::-1], [ATTACKS[0], *some, ATTACKS[7], *PROVED]):
                rows = grouped.check_group("Write.", group, texts)
                for source, right in zip(some, alone, strict=True):
                    at = group.index(source)
                    assert [row[at].status for row in rows] == right, source


#: Proved, and as much in the way of their neighbours as a proved checker can be.
PROVED = [
    HEAD + "    return [re.findall(str(n), r) for n in range(600)] == []\n",
    HEAD + "    return bool(re.sub('.', lambda m: str(len((m.group() + r).split())), r))\n",
    "def check_following(i, r):\n    try:\n        return check_following(i, r)\n    except Exception:\n        return 0\n",
    HEAD
    + "    def deep(n):\n        re.search('w.r' + str(n % 7), r)\n        return deep(n + 1)\n    return deep(0)\n",
]


def test_only_what_rewriting_writes_is_lent() -> None:
    """A name that is missing would make every checker that needs it run alone."""
    written = set()
    for module in (rewriting, lazy, faster):
        tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
        written |= set(re.findall(r"_verif_[a-z_]+[a-z]", ast.unparse(tree)))
    assert written - shims.LENT <= {"_verif_error", "_verif_item", "_verif_str", "_verif_string"}
    assert shims.LENT <= shims.NAMES
