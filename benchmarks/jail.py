"""Run a Python program on untrusted code where it can do no harm: for comparisons only, verif itself uses its sandbox.

With bubblewrap: no network, no other processes, the system read-only, an empty environment. Without it: a
child without network (`unshare`), with hard limits (it can write no byte to any file), nobody's rights if it
was root, an empty environment; if neither is possible the comparison is refused.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

#: Runs inside: hard limits, then (if it still is root) nobody's rights, then the program.
_LIMITS = """
import ast, collections, json, math, os, re, resource, string, sys, time
code = compile(open(sys.argv[1]).read(), sys.argv[1], "exec")
limits = {"AS": 2 << 30, "FSIZE": 0, "CPU": 600, "NPROC": 64}
if os.getuid() == 0 and sys.argv[2] == "drop":
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for name, most in limits.items():
    resource.setrlimit(getattr(resource, "RLIMIT_" + name), (most, most))
exec(code, {"__name__": "__main__"})
"""


def command(program: Path) -> list[str]:
    """The command line that runs `program` in a jail."""
    python = str(Path(sys.executable).resolve())
    inner = [python, "-I", "-S", "-c", _LIMITS, str(program)]
    inner.append("keep" if shutil.which("bwrap") else "drop")
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
        user = [] if os.getuid() == 0 else ["--user"]
        return ["unshare", *user, "--net", "--ipc", "--fork", "--kill-child", *inner]
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
