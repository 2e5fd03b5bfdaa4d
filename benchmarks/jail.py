"""Run a Python program on untrusted code where it can do no harm: for comparisons only, verif itself uses its sandbox.

With bubblewrap: no network, no other processes, the system read-only, an empty environment. Without it: a
child with hard limits, no network (`unshare`), an empty environment and an empty working directory; if
neither is possible the comparison is refused.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

_LIMITS = (
    "import resource as r, sys, runpy\n"
    "for what, most in ((r.RLIMIT_AS, 2 << 30), (r.RLIMIT_FSIZE, 0), (r.RLIMIT_NPROC, 64), (r.RLIMIT_CPU, 600)):\n"
    "    r.setrlimit(what, (most, most))\n"
    "runpy.run_path(sys.argv[1], run_name='__main__')\n"
)


def command(program: Path) -> list[str]:
    """The command line that runs `program` in a jail."""
    python = str(Path(sys.executable).resolve())
    inner = [python, "-I", "-S", "-c", _LIMITS, str(program)]
    if shutil.which("bwrap"):
        needed = {
            Path(sysconfig.get_path("stdlib")),
            Path(python),
            program,
            Path("/usr"),
            Path("/lib"),
            Path("/lib64"),
        }
        binds = [
            part for path in sorted(needed) if path.exists() for part in ("--ro-bind", str(path), str(path))
        ]
        jail = [
            "bwrap",
            "--unshare-all",
            "--die-with-parent",
            "--new-session",
            "--clearenv",
            "--cap-drop",
            "ALL",
        ]
        return [
            *jail,
            *binds,
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--tmpfs",
            "/tmp",
            "--chdir",
            "/tmp",
            *inner,
        ]
    if shutil.which("unshare"):
        return ["unshare", "--user", "--net", "--ipc", "env", "-i", *inner]
    raise SystemExit(
        "The comparison runs model-written code in plain Python: install bubblewrap, so that it is jailed."
    )


class Jailed:
    """A jailed process that answers JSON lines."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen(
            command(program), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/", env={}
        )

    def ask(self, question: Any) -> Any:
        """One question, one answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the jailed process ended with {self.process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)
