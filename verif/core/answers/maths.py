"""Mathematical answers: equal text and numbers here, everything else in a process of its own.

math-verify 0.9.0 with latex2sympy2-extended 1.11.0 and sympy decide what is left. They refuse threads, take 25 ms at
the median, and a tower of powers takes them seconds: `maths_worker.py` bounds that, and a comparison that goes
beyond its bounds is a fail by rule, since the policy wrote it. What ends the process otherwise is an error.
"""

from __future__ import annotations

import atexit
import functools
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from select import select

from verif.core.answers.angles import in_radians
from verif.core.answers.brackets import depth_of
from verif.core.answers.hedging import HEDGED, hedged
from verif.core.answers.number import CURRENCY, Number, read_number, rounded, same_number
from verif.core.answers.structure import alike, contradict, labelless, lists_more

LONGEST = 1_000
"""Characters of an expression that is compared; no reference answer is longer."""
DEEPEST = 40
WAIT_S = 60.0
"""Seconds until a comparison is given up as ours: its processor time is limited to two."""
PACKAGES = ("math-verify", "latex2sympy2-extended", "sympy", "antlr4-python3-runtime")
_WORKER = Path(__file__).with_name("maths_worker.py")
_BLANK = re.compile(r"\\[ ,;:!]|\\(?:left|right|displaystyle|limits|[Bb]igg?[lr]?)(?![A-Za-z])|\s+|~")
_BRACES = re.compile(r"\\.|[{}]")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
WORDS = 4
"""A reference with so many words is a sentence; units and names of functions are fewer."""
_NO_GAP = re.compile(r"(?<!\d) +| +(?!\d)")
_THOUSANDS = re.compile(r"(?<=\d) +(?=\d{3}(?![\d/]))")
"""Blanks that say nothing; `1 1/2` and `2 3` are other numbers without theirs."""
_SAME = (
    (r"\dfrac", r"\frac"),
    (r"\tfrac", r"\frac"),
    (r"\leqslant", r"\le"),
    (r"\geqslant", r"\ge"),
    (r"\leq", r"\le"),
    (r"\geq", r"\ge"),
    (r"\neq", r"\ne"),
)
_ENDED = {
    "time": "takes more than two seconds to compute",
    "memory": "takes too much memory to compute",
    "depth": "is nested too deeply",
}
_LONG = f"is longer than {LONGEST:,} characters"
REFUSED = frozenset({*_ENDED.values(), _LONG, HEDGED})
"""Reasons why an answer was not compared that are its own doing."""


class MathsError(Exception):
    """The comparison did not take place, and the answer is not to blame."""


@functools.cache
def version() -> str:
    """Versions of what compares expressions; "none" where it is not installed."""
    try:
        return " ".join(f"{name}=={importlib.metadata.version(name)}" for name in PACKAGES)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def normal(text: str) -> str:
    """An expression without the blanks and commands that only lay it out.

    >>> normal("$\\\\left( \\\\dfrac{1}{2}, 3 \\\\right)$.")
    '(\\\\frac{1}{2},3)'
    """
    text = _BLANK.sub(" ", _unwrapped(text))
    text = _THOUSANDS.sub("", _NO_GAP.sub("", text)).strip()
    for old, new in _SAME:
        text = text.replace(old, new)
    return text


def _unwrapped(text: str) -> str:
    """Without a full stop at its end and the marks that begin and end mathematics."""
    text = text.strip().removesuffix(".").strip()
    for wrapper in ("$$", "$"):
        if text.startswith(wrapper) and text.endswith(wrapper) and len(text) > 2 * len(wrapper):
            text = text[len(wrapper) : -len(wrapper)]
    for old, new in (("\\(", "\\)"), ("\\[", "\\]")):
        if text.startswith(old) and text.endswith(new) and len(text) > 4:
            text = text[2:-2]
    return text.strip()


def same(reference: str, answer: str, worker: Worker) -> bool | str:
    """Whether two expressions are equal; a sentence where the answer is none that is compared.

    Raises `MathsError` if the worker could not be asked.
    """
    if len(answer) > LONGEST:
        return _LONG
    left, right = normal(reference), normal(answer)
    if left == right:
        return True
    if not _balanced(right):
        return "cannot be read as an expression"
    if contradict(left, right):
        return False
    if hedged(reference, answer):
        return HEDGED
    asked, given = read_number(left), read_number(right)
    if asked is not None and given is not None and not (_symbol(asked) or _symbol(given)):
        if same_number(asked, given) or rounded(asked, given):
            return True
        if not asked.unit and not given.unit and asked.places is None and given.places is None:
            return False
    if alike(left, right):
        return True
    written = _unwrapped(reference), _unwrapped(answer)
    if _sentence(written[0]) or lists_more(*written):
        return False
    if depth_of(right) > DEEPEST:
        return _ENDED["depth"]
    if angles := in_radians(labelless(left), labelless(right)):
        return worker.same(*angles)
    bare = labelless(written[0]), labelless(written[1])
    same_as_written = worker.same(*written)
    return same_as_written if same_as_written is True or bare == written else worker.same(*bare)


def _symbol(number: Number) -> bool:
    """Whether what stands behind a number may be a variable or an operation, and not its unit."""
    words = number.unit.split()
    return not (number.unit in CURRENCY or all(len(word) > 2 and word.isalpha() for word in words))


def _sentence(reference: str) -> bool:
    """Whether a reference says in words what no expression says: `$f(x)$ is odd` and `$f(x)$ is even` hold the same one."""
    return len(_WORD.findall(reference)) >= WORDS


def _balanced(text: str) -> bool:
    """Whether each group that begins ends; what is compared is put into a box, which a brace would leave."""
    depth = 0
    for brace in _BRACES.findall(text):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if depth < 0:
            return False
    return depth == 0


_WORKERS: dict[int, Worker] = {}
_WORKERS_LOCK = threading.Lock()


def process_worker() -> Worker:
    """This process's worker, for calls that have no verifier: a forked child needs one of its own."""
    with _WORKERS_LOCK:
        worker = _WORKERS.get(os.getpid())
        if worker is None:
            worker = _WORKERS[os.getpid()] = Worker()
            atexit.register(worker.close)
        return worker


class Worker:
    """The process that compares; it starts with the first question and is replaced when it ends."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def same(self, reference: str, answer: str) -> bool | str:
        """As `same`, always by the process."""
        line = json.dumps({"reference": reference, "answer": answer}).encode() + b"\n"
        with self._lock:
            said = self._asked(line)
        if ended := said.get("ended"):
            if ended in _ENDED:
                return _ENDED[ended]
            raise MathsError(f"the process that compares expressions ended ({ended})")
        return "cannot be read as an expression" if said["same"] is None else bool(said["same"])

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _asked(self, line: bytes) -> dict[str, object]:
        for attempt in (1, 2):
            process = self._started()
            assert process.stdin is not None
            try:
                process.stdin.write(line)
                process.stdin.flush()
                answer: dict[str, object] = json.loads(self._line(process))
                return answer
            except (OSError, ValueError) as error:
                self._end()
                if attempt == 2:
                    raise MathsError(
                        f"the process that compares expressions gave no answer ({error})"
                    ) from None
        raise AssertionError("unreachable")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            if version() == "none":
                raise MathsError("math-verify is not installed: pip install 'verif[answers]'")
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PYTHONHASHSEED": "0"},
                cwd="/",
            )
            try:
                self._line(self._process)
            except OSError as error:
                self._end()
                raise MathsError(f"the process that compares expressions did not start ({error})") from None
        return self._process

    @staticmethod
    def _line(process: subprocess.Popen[bytes]) -> bytes:
        """The next line, which is written at once; `OSError` when none comes."""
        assert process.stdout is not None
        ready, _, _ = select([process.stdout], [], [], WAIT_S)
        line = process.stdout.readline() if ready else b""
        if not line.endswith(b"\n"):
            raise TimeoutError("it was silent" if not ready else "it ended")
        return line

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            self._process = None
