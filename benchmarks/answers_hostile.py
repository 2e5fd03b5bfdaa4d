"""Expressions that a policy could write to stop its verifier: towers, factorials, brackets, integrals, code, megabytes."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import psutil

from verif.core.answers import maths
from verif.core.answers.maths import MathsError, Worker
from verif.core.answers.maths_worker import CPU_S

SLACK_S = 1.0
"""Beside the limit: starting a child anew, and the reader of LaTeX before the limit counts."""
HEAVY = 0.03
"""The share that uses all of its time; the rest is refused or read."""


@dataclass(frozen=True, slots=True)
class HostileReport:
    """How many ran over their deadline or into an error, and by how much memory grew from a fifth of the way on."""

    n: int
    over_deadline: int
    errors: int
    longest_s: float
    grown_mb: float


def expression(rng: random.Random) -> str:
    """One hostile answer."""
    n, m = rng.randrange(2, 60), rng.randrange(2, 400)
    heavy = (
        f"{n}^{{9^{{9^{{9}}}}}}",
        f"{n}" + "!" * rng.randrange(3, 9),
        f"\\int_0^{{{n}}} \\sin(x^{{{n}}}) \\ln(\\cos(x)^{n}) dx",
        f"(x+y+z+1)^{{{m + 200}}}",
    )
    light = (
        "(" * m, "{" * m, "\\frac{" * m, "\\sqrt{" * m + "2" + "}" * m, "((" * m + "1" + "))" * m, f"{n}^{{-{n}}}" * n,
        "9" * rng.randrange(10, 3000), f"\\frac{{1}}{{0}}_{n}", f"__import__('os').system('echo {n}')", "\\" * m,
        f"\\sum_{{i=1}}^{{{n}}} i^2", f"x_{{{n}}} = \\lim_{{x \\to 0}} \\frac{{\\sin {n}x}}{{x}}", "\\begin{matrix}1&2\\\\" * n,
        f"\\text{{{'a' * m}}}", "\u202e\u0000\ud7ff" * n, f"{n} \\in \\mathbb{{R}}", f"eval({n})", "\\input{/etc/passwd}",
        "π" * m,
        f"\\binom{{{m}}}{{{n}}}", f"|{'|' * m}", f"{n}e{m}{m}", "x" * rng.randrange(900, 100_000),
        f"<b>{n}</b>" * n, "1," * m,
        f"\\left( {n} \\right", f"{n}\\%\\%", "=" * m, f"{m}=" * n, f"\\boxed{{{n}}}", "\\frac12" * n, f"[{n},{m}", "½" * n,
    )  # fmt: skip
    return rng.choice(heavy if rng.random() < HEAVY else light)


def run(count: int, seed: int = 0) -> HostileReport:
    """Compare so many with an ordinary reference; time is processor time of the worker and its children."""
    rng, worker = random.Random(f"hostile {seed}"), Worker()
    over, errors, longest, sizes = 0, 0, 0.0, []
    here = psutil.Process()
    for number in range(count):
        answer, begun = expression(rng), _used(here)
        try:
            maths.same("\\frac{x+1}{2}", answer, worker)
        except MathsError:
            errors += 1
        spent = _used(here) - begun
        longest = max(longest, spent)
        over += spent > CPU_S + SLACK_S
        if number % max(1, count // 50) == 0:
            sizes.append(
                sum(process.memory_info().rss for process in [here, *here.children(recursive=False)])
            )
            time.sleep(0)
    worker.close()
    settled = sizes[len(sizes) // 5 :]
    return HostileReport(count, over, errors, round(longest, 2), round((settled[-1] - settled[0]) / 1e6, 1))


def _used(process: psutil.Process) -> float:
    """Processor seconds of this process, its children, and those that have ended."""
    total = 0.0
    for member in [process, *process.children(recursive=True)]:
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
