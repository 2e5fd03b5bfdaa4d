"""One or more attacks per line of the sandbox's *covered* list: none gets out, none touches its neighbours."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from verif.core.sandbox.hostile import HostileChecker, attacks
from verif.core.sandbox.sandbox import Sandbox
from verif.types import Status

SECRET = "verif-test-canary"
HONEST = "def check_following(instruction, response):\n    return len(response.split()) == 2\n"
SHAPES = attacks(
    secret_file="SECRET_FILE",
    secret=SECRET,
    new_file="NEW_FILE",
    port="PORT_NUMBER",
    variable="VERIF_TEST_CANARY",
)


class Canaries:
    def __init__(self, folder: Path) -> None:
        self.file, self.new = folder / "secret", folder / "new"
        self.file.write_text(SECRET)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        while True:
            try:
                self.listener.accept()[0].close()
            except OSError:
                return
            self.connections += 1

    def fill(self, attack: HostileChecker) -> str:
        source = attack.source.replace("SECRET_FILE", str(self.file)).replace("NEW_FILE", str(self.new))
        return source.replace("PORT_NUMBER", str(self.listener.getsockname()[1]))

    def untouched(self) -> bool:
        return self.file.read_text() == SECRET and not self.new.exists() and self.connections == 0


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    found = Canaries(tmp_path_factory.mktemp("canaries"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERIF_TEST_CANARY", SECRET)
        yield found
    found.listener.close()


@pytest.fixture(scope="module")
def strict() -> Iterator[Sandbox]:
    with Sandbox(workers=1, seconds=0.2) as box:
        yield box


def cases() -> list[object]:
    out = []
    for number, attack in enumerate(SHAPES):
        slow = (attack.slow and number % 4 != 0) or (attack.family == "regex" and number % 4 == 0)
        out.append(
            pytest.param(attack, id=f"{attack.family}-{number}", marks=[pytest.mark.slow] if slow else [])
        )
    return out


@pytest.mark.slow
@pytest.mark.parametrize("attack", cases())
def test_an_attack_gets_nowhere(attack: HostileChecker, strict: Sandbox, canaries: Canaries) -> None:
    source = canaries.fill(attack)
    rows = strict.check_group(
        "Write two words.", [HONEST, source, HONEST], ["two words", "one two three", "four five"]
    )
    assert [row[1].status for row in rows].count(Status.PASS) == 0
    assert canaries.untouched()
    for row, right in zip(rows, [Status.PASS, Status.FAIL, Status.PASS], strict=True):
        assert row[0].status is right, "the checker before the hostile one"
        assert row[2].status is right, "the checker after the hostile one"


def test_every_covered_line_is_attacked() -> None:
    families = {attack.family for attack in SHAPES}
    assert families == {
        "files", "processes", "imports", "walks", "loop", "regex", "bomb", "waiting", "state", "raises", "values"
    }  # fmt: skip
    assert len(SHAPES) > 90


def test_a_canary_would_sing(canaries: Canaries) -> None:
    """The attacks work where nothing stops them: the same body, run as plain Python on a harmless file."""
    reads = next(a for a in SHAPES if "read_text() ==" in a.source)
    space: dict[str, object] = {}
    exec(canaries.fill(reads), space)  # our own source, from verif.core.sandbox.hostile
    assert space["check_following"]("", "") is True  # type: ignore[operator]
