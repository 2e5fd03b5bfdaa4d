"""Checkers that attack the sandbox: for its tests and its benchmark, one or more per line of its *covered* list.

Each returns True only if its attack got somewhere (it read the secret, wrote the file, saw the clock move,
found its sibling's state); so a `pass` is an escape. `{secret_file}`, `{secret}`, `{new_file}`, `{port}` and
`{variable}` are filled in by `attacks`; a file that appears, a connection that arrives and an environment
variable that is seen are escapes too.
"""

from __future__ import annotations

from dataclasses import dataclass

from verif.core.sandbox.hostile_sources import PROOF, READER, REFUSED


@dataclass(frozen=True, slots=True)
class HostileChecker:
    """One hostile checker; `family` names the covered line, `slow` that it runs into the time limit."""

    family: str
    source: str
    slow: bool = False


_HEAD = "def check_following(instruction, response):\n"


def _body(*lines: str) -> str:
    return _HEAD + "".join(f"    {line}\n" for line in lines)


_FILES = (
    _body("return open('{secret_file}').read() == '{secret}'"),
    _body("with open('{new_file}', 'w') as f:", "    f.write('x')", "return True"),
    "import pathlib\n" + _body("return pathlib.Path('{secret_file}').read_text() == '{secret}'"),
    "from pathlib import Path\n" + _body("Path('{new_file}').write_text('x')", "return True"),
    "import os\n" + _body("return len(os.listdir('/')) > 0"),
    "import os\n" + _body("os.remove('{secret_file}')", "return True"),
    "import os\n" + _body("return '{secret}' in os.environ.get('{variable}', '')"),
    "import os\n" + _body("return '{secret}' in str(os.environ)"),
    "import io\n" + _body("return io.open('{secret_file}').read() == '{secret}'"),
    "import tempfile\n" + _body("return bool(tempfile.mkdtemp())"),
    "import shutil\n" + _body("shutil.copy('{secret_file}', '{new_file}')", "return True"),
)
_PROCESSES = (
    "import os\n" + _body("return os.system('touch {new_file}') == 0"),
    "import subprocess\n" + _body("subprocess.run(['touch', '{new_file}'])", "return True"),
    "import os\n" + _body("return os.fork() >= 0"),
    "import multiprocessing\n" + _body("multiprocessing.Process(target=print).start()", "return True"),
    "import threading\n" + _body("threading.Thread(target=print).start()", "return True"),
    "import ctypes\n" + _body("return bool(ctypes.CDLL(None))"),
    "import socket\n" + _body("socket.create_connection(('127.0.0.1', {port}))", "return True"),
    "import urllib.request\n" + _body("urllib.request.urlopen('http://127.0.0.1:{port}/')", "return True"),
    "import signal, os\n" + _body("os.kill(os.getppid(), 9)", "return True"),
    "import asyncio\n"
    + "async def go():\n    await asyncio.open_connection('127.0.0.1', {port})\n    return True\n"
    + _body("return asyncio.run(go())"),
)
_IMPORTS = (
    _body("return bool(__import__('os').getcwd().strip('/'))"),
    "import importlib\n" + _body("return importlib.import_module('subprocess') is not None"),
    "import sys\n" + _body("return 'os' in sys.modules"),
    "import builtins\n" + _body("return builtins.open('{secret_file}').read() == '{secret}'"),
    "from pydantic_monty import Monty\n" + _body("return True"),
    "import verif\n" + _body("return True"),
)
_WALKS = (
    _body("return len(().__class__.__bases__[0].__subclasses__()) > 0"),
    _body("return 'os' in str((lambda: 0).__globals__)"),
    _body("return bool(check_following.__code__)"),
    _body("return bool(response.__class__.__mro__)"),
    _body("return bool(getattr(response, '__cla' + 'ss__').__mro__)"),
    _body("return 'class' in '{0.__class__.__mro__}'.replace('{{', '{').format(response)"),
    _body("return 'class' in '{0.__class__}'.format(response)"),
    _body("return 'builtin' in '{0.__init__.__globals__}'.format(check_following)"),
    _body("return '_verif' in str(globals())"),
    _body("return '_verif' in str(locals()) or '_verif' in str(vars())"),
    _body("try:", "    1 / 0", "except Exception as e:", "    return bool(e.__traceback__.tb_frame.f_back)"),
    _body("return eval('_verif_responses') is not None"),
    _body("return eval('open')('{secret_file}').read() == '{secret}'"),
)
_LOOPS = (
    _body("while True:", "    pass"),
    _body("try:", "    while True:", "        pass", "except BaseException:", "    return True"),
    _body("for i in range(10 ** 12):", "    pass", "return True"),
    _body("return sum(i for i in range(10 ** 12)) > 0"),
    _body("x = [0]", "for i in x:", "    x.append(i)", "return True"),
)
_REGEX = (
    "import re\n" + _body("return bool(re.match(r'(a+)+\\\\1$', 'a' * 40 + 'b'))".replace("\\\\", "\\")),
    "import re\n" + _body("return bool(re.match(r'^(?:(a+)+)(?!x)$', 'a' * 50000 + 'b'))"),
    "import re\n" + _body("return bool(re.search(r'(x+x+)+y', 'x' * 5000))"),
    "import re\n" + _body("return bool(re.search(r'(?=(a|aa)+$)(.*)*b', 'a' * 3000))"),
)
_BOMBS = (
    _body("return len('a' * (1 << 33)) > 0"),
    _body("x = 'a'", "for i in range(40):", "    x = x + x", "return len(x) > 1 << 30"),
    _body("x = []", "for i in range(10 ** 9):", "    x.append('abc' * 100)", "return True"),
    _body("x = [[0] * 1000] * 10 ** 9", "return True"),
    _body("for i in range(10 ** 7):", "    print('x' * 10000)", "return False"),
    _body("raise ValueError('x' * 30000000)"),
    _body("return 10 ** 10 ** 10 > 0"),
    _body("return len(str(9 ** 9 ** 6)) > 0"),
    _body("return check_following(instruction, response)"),
    "def f(n):\n    return f(n + 1)\n" + _body("return f(0) > 0"),
    _body("return (lambda f: f(f))(lambda f: f(f))"),
)
_WAITING = (
    "import time\n" + _body("time.sleep(3600)", "return True"),
    "import time\n" + _body("try:", "    time.sleep(5)", "except BaseException:", "    pass", "return True"),
    "import asyncio\n" + _body("asyncio.run(asyncio.sleep(30))", "return True"),
    "import time\n" + _body("return time.time() > 1740000000"),
    "import time\n" + _body("a = time.perf_counter()", "sum(range(10000))", "return time.perf_counter() > a"),
    "import datetime\n" + _body("return datetime.datetime.now().year > 2025"),
    "import random\n" + _body("return random.random() != 0.8444218515250481"),
    "import os\n" + _body("return len(os.urandom(8)) == 8"),
)
_STATE = (
    "seen = []\n" + _body("seen.append(1)", "return len(seen) > 1"),
    "def check_following(instruction, response, seen=[]):\n    seen.append(1)\n    return len(seen) > 1\n",
    "n = 0\n" + _body("global n", "n += 1", "return n > 1"),
    "cache = {}\n" + _body("hit = response in cache or bool(cache)", "cache[response] = 1", "return hit"),
    _body("global len", "len = lambda x: 10 ** 9", "return False"),
    "len = lambda x: 10 ** 9\nall = any = bool = lambda x: True\n" + _body("return False"),
    "import re\n" + _body("re.search = lambda *a: True", "return True"),
    "import re\nre.split = None\n" + _body("return True"),
    _body("global _verif_responses", "_verif_responses = []", "return False"),
    _body("_verif_checks.clear()", "return True"),
    _body("global out", "out.append('1')", "return True"),
    _body("global check_following", "check_following = lambda i, r: True", "return False"),
    "def make():\n    n = 0\n    def check(i, r):\n        nonlocal n\n        n += 1\n        return n > 1\n    return check\n"
    + "check_following = make()\n",
    "class Box:\n    seen = []\n" + _body("Box.seen.append(1)", "return len(Box.seen) > 1"),
    "import json\n" + _body("json.state = 1", "return True"),
    _body("exec('global leaked; leaked = 1')", "return False"),
    _body("if eval('\"leak\" in globals()'):", "    return True", "return False"),
    _body("instruction += 'x'", "response = 'x' * 5000", "return False"),
)
_RAISES = (
    _body("raise SystemExit(0)"),
    _body("raise KeyboardInterrupt"),
    _body("raise BaseException('x')"),
    _body("raise GeneratorExit"),
    "import sys\n" + _body("sys.exit(0)"),
    _body("exit()"),
    _body("quit()"),
    "class Odd(BaseException):\n    pass\n" + _body("raise Odd"),
    "raise SystemExit\n" + _body("return True"),
    "1 / 0\n" + _body("return True"),
    "def check_following(:\n",
    "x = 1\n",
    "",
    "\x00",
    "check_following = 3\n",
)
_VALUES = (
    "class Liar:\n    def __bool__(self):\n        return True\n    def __eq__(self, other):\n        return True\n"
    + _body("return Liar()"),
    "class Liar:\n    def __len__(self):\n        return 10 ** 20\n" + _body("return Liar()"),
)

_FAMILIES = {
    "files": _FILES, "processes": _PROCESSES, "imports": _IMPORTS, "walks": _WALKS, "loop": _LOOPS, "regex": _REGEX,
    "bomb": _BOMBS, "waiting": _WAITING, "state": _STATE + PROOF,
    "raises": _RAISES + READER + REFUSED, "values": _VALUES,
}  # fmt: skip
_SLOW_FAMILIES = frozenset({"loop", "bomb"})


def attacks(**values: object) -> list[HostileChecker]:
    """All attacks, with the canaries filled in."""
    checkers = []
    for family, sources in _FAMILIES.items():
        for source in sources:
            for key, value in values.items():
                source = source.replace("{" + key + "}", str(value))
            checkers.append(HostileChecker(family, source, family in _SLOW_FAMILIES))
    return checkers
