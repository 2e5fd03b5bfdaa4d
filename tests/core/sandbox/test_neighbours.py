"""One hostile checker among honest ones: no verdict of theirs changes, nor what is cached, screened or ordered.

The second half takes the first wall away: the proof lets everything through, so that a checker with `exec` in its
hands runs in the very session its neighbours use.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from verif.core.cache import VerdictCache
from verif.core.checks import checker_verdicts
from verif.core.sandbox import faithful, feed, program, purity, shims
from verif.core.sandbox.hostile_sources import PROOF, READER, REFUSED
from verif.core.sandbox.sandbox import CheckResult, Sandbox
from verif.data.screening.order import order_sensitive
from verif.data.screening.screen import screen
from verif.errors import SandboxError
from verif.types import CheckerConstraint, Instruction, Status

TEXTS = ["two words", "one two three", "Zed. A two, yes"]
HONEST = [
    "def check_following(instruction, response):\n    return len(response.split()) == 2\n",
    "def check_following(instruction, response):\n    return len(response) == 13\n",
    "import re\ndef check_following(i, r):\n    return bool(re.search(r'\\btwo\\b', r, re.IGNORECASE)) and 'W' in r.upper()\n",
    "import re\ndef check_following(i, r):\n    return len(re.findall(r'\\b\\w+\\b', r)) == 3\n",
    "import re\ndef check_following(i, r):\n    return all(s for s in re.split(r'(?<=[.!?])\\s+', r)) "
    "and any(c == 'Z' for c in r)\n",
    "def check_following(i, r):\n    return isinstance(r, str) and not bool(r.count('z')) and str(len(r)) != '9'\n",
]
RIGHT = [
    [True, False, True, False, False, False],
    [False, True, True, True, False, True],
    [False, False, True, False, True, True],
]
NEXT = "def check_following(i, r):\n    return len(r.split()) > {n} or len(r) == 13 and str(r) != ''\n"


def decided(rows: list[list[CheckResult]]) -> list[list[bool]]:
    return [[cell.status is Status.PASS for cell in row if cell.status is not Status.ERROR] for row in rows]


@pytest.fixture
def unproved(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The proof lets everything through."""
    monkeypatch.setattr(purity, "why_alone", lambda *given: "")
    monkeypatch.setattr(faithful, "exotic", lambda nodes: "")
    monkeypatch.setattr(faithful, "misread", lambda nodes: "")
    monkeypatch.setattr(shims, "unsupported", lambda nodes: "")
    program.read.cache_clear()
    yield
    program.read.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [PROOF, READER, REFUSED], ids=["proof", "reader", "refused"])
def test_neighbours_of_hostile_sources_keep_their_verdicts(kind: tuple[str, ...], sandbox: Sandbox) -> None:
    for source in kind:
        rows = sandbox.check_group("Write.", [*HONEST[:3], source, *HONEST[3:]], TEXTS)
        assert not any(row[3].status is Status.PASS for row in rows), source[:300]
        assert decided([row[:3] + row[4:] for row in rows]) == RIGHT, source[:300]


@pytest.mark.slow
def test_one_hostile_row_before_a_hundred_honest_rows_flips_none(sandbox: Sandbox, tmp_path: Path) -> None:
    def row(number: int, source: str) -> Instruction:
        return Instruction(
            id=str(number), prompt=f"Row {number}.", constraints=[CheckerConstraint(text="c", source=source)]
        )

    honest = [row(n, NEXT.format(n=n)) for n in range(100)]
    for hostile in (PROOF[0], PROOF[3], PROOF[10]):
        folder = tmp_path / str(hash(hostile))
        with Sandbox(workers=1) as fresh:
            cache = VerdictCache(folder)
            for instruction in [row(-1, hostile), *honest]:
                checker_verdicts(instruction, ["two words"], fresh, cache)
            cache.close()
        kept = VerdictCache(folder)  # as a fresh verifier finds it
        for instruction in honest:
            (found,) = checker_verdicts(instruction, ["two words"], sandbox, kept)[0]
            assert found.status is (Status.PASS if int(instruction.id) < 2 else Status.FAIL)
        kept.close()


def test_reverse_order_blames_no_neighbour(sandbox: Sandbox) -> None:
    for source in (*PROOF[:12], *REFUSED[:3]):
        assert order_sensitive(sandbox, "Write.", [*HONEST[:3], source, *HONEST[3:]], TEXTS) in ([], [3])


def test_screening_accuses_no_neighbour() -> None:
    text = "Answer with at most 3 words."
    sound = CheckerConstraint(
        text=text, source="def check_following(i, r):\n    return len(r.split()) <= 3\n"
    )
    rows = [
        (n, Instruction(id=str(n), prompt=text, constraints=[CheckerConstraint(text=text, source=s), sound]))
        for n, s in enumerate((*PROOF[:11], *READER[:9]))
    ]
    with Sandbox(workers=1) as own:
        found = screen(rows, own)
    assert {finding.index for finding in found if finding.defect} == {0}


TAKE = """
class Liar:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __bool__(self): return True
    def split(self, *a): return [1, 2]
    def lower(self): return 'two'
    def isascii(self): return True
liar = Liar()
for call in (lambda: _verif_search(liar, liar), lambda: _verif_search('two', liar, 2), lambda: _verif_count(liar),
             lambda: _verif_split_at(liar, 'a'), lambda: _verif_split(liar, liar, liar), lambda: _verif_findall(liar, liar)):
    try: call()
    except BaseException: pass
"""
SHADOWS = """
global len, all, any, bool, str, isinstance, print, exec, re, check_following, _verif_run, _verif_make, _verif_lent
global _verif_programs, _verif_count, _verif_search, _verif_counted, _verif_lowered, _verif_words, _verif_compiled
len = lambda t: 2
all = any = bool = isinstance = lambda *a: True
str = re = exec = print = None
check_following = lambda i, r: True
_verif_run = lambda *a: '1' * 10000
_verif_make = lambda *a: check_following
_verif_lent = _verif_programs = _verif_words = _verif_compiled = {}
_verif_count = _verif_search = lambda *a: 2
_verif_counted = ['two words', 9, 9]
_verif_lowered = ['', '', True]
"""
GIVEN = (
    "import re\ndef check_following(instruction, response):\n    re.search('a', response)\n"
    "    n = len(response.split())\n    {}\n    return True\n"
)
BY_HAND = (
    *(
        GIVEN.format(f"exec({code!r})")
        for code in (TAKE, SHADOWS, TAKE + SHADOWS, "import re\nre.search = None")
    ),
    GIVEN.format("setattr(re, 'search', None)"),
    GIVEN.format("global len; len = lambda t: 2"),
    GIVEN.format("[eval(n).clear() for n in ('_verif_programs', '_verif_lent', '_verif_words')]"),
    GIVEN.format("global hog; hog = ['x' * 1000000 for n in range(40)]"),
    "exec('global len; len = lambda t: 2')\n" + GIVEN.format("pass"),
)


@pytest.mark.slow
@pytest.mark.usefixtures("unproved")
def test_a_checker_that_is_given_exec_flips_no_neighbour() -> None:
    """The second wall: whatever it does in the session of others, earlier or later, their verdicts stay."""
    for source in (*BY_HAND, *PROOF[:4], *PROOF[10:20:3]):
        program.read.cache_clear()
        with Sandbox(workers=1) as own:
            for order in ([*HONEST[:3], source, *HONEST[3:]], [source, *HONEST], [*HONEST, source]):
                rows = own.check_group("Write.", order, TEXTS)
                place = order.index(source)
                assert decided([row[:place] + row[place + 1 :] for row in rows]) == RIGHT, source[:300]
            assert decided(own.check_group("Write.", HONEST, TEXTS)) == RIGHT, source[:300]


@pytest.mark.usefixtures("unproved")
def test_exec_was_really_given(sandbox: Sandbox) -> None:
    source = GIVEN.format("exec('global w; w = 1')\n    return w == 1")
    assert not program.read(source).alone
    assert [row[0].status for row in sandbox.check_group("", [source], ["a"])] == [Status.PASS]


def test_a_touched_session_is_thrown_away_and_its_verdicts_are_not_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Sandbox(workers=1) as own:
        assert decided(own.check_group("", HONEST, TEXTS)) == RIGHT
        touched = own._idle[0]
        touched.session.feed_run("len = lambda t: 2")  # what no checker can do: a name of the session itself
        assert decided(own.check_group("", HONEST, TEXTS)) == RIGHT
        assert touched not in own._idle
        assert "thrown away" in caplog.text


def test_an_engine_that_does_not_keep_checkers_apart_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    leaky = feed.WALL.replace("holes.append(globals())", "holes.append('what globals gave')")
    assert leaky != feed.WALL
    monkeypatch.setattr("verif.core.sandbox.session.WALL", leaky)
    with Sandbox(workers=1) as own, pytest.raises(SandboxError, match="apart"):
        own.check_group("", HONEST, TEXTS)
