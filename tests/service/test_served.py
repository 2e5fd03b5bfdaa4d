"""A judge that somebody else serves: the pinned one, another one, or nobody can say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.harness import StandInJudge, recipe, service, standin

from verif.audit.run import _served_elsewhere
from verif.project import Stage
from verif.recipe import CascadeSection, parse_recipe
from verif.service.served import SMALL_VARIABLE, DifferentJudgeError, elsewhere, unknown
from verif.system.files import digest_tree
from verif.system.serving import free_port

PINNED = recipe().model_copy(
    update={"judge": recipe().judge.model_copy(update={"repo": "org/judge", "revision": "c" * 40})}
)


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """A server whose answer to `/v1/models` the test sets; `url` is its base URL."""
    told = SimpleNamespace(status=200, body=b"", url="")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked_with = self.headers.get("Authorization")
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *_: object) -> None:
            return

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    told.url = f"http://127.0.0.1:{made.server_port}/v1"
    yield told
    made.shutdown()
    made.server_close()


def says(server: Any, root: object, name: str = "judge") -> str:
    server.status, server.body = 200, json.dumps({"data": [{"id": name, "root": root}]}).encode()
    return str(server.url)


CACHE = "/models/hub/models--{}/snapshots/{}"


@pytest.mark.parametrize(
    "root", ["other/judge", CACHE.format("org--judge", "d" * 40), CACHE.format("other--judge", "c" * 40)]
)
def test_another_model_or_revision_is_refused(server: Any, root: str) -> None:
    with pytest.raises(DifferentJudgeError, match=r"is other/judge|org/judge at ccc"):
        unknown(says(server, root), PINNED, None)


def test_the_pinned_revision_is_known(server: Any) -> None:
    assert unknown(says(server, CACHE.format("org--judge", "c" * 40)), PINNED, None) == ""


@pytest.mark.parametrize(
    ("root", "why"),
    [
        ("org/judge", "says org/judge, and not which revision"),
        ("/elsewhere/model", "not on this machine"),
        ("judge", "does not say which model"),
        (None, "does not say which model"),
        ([], "does not say which model"),
    ],
)
def test_what_cannot_be_known_is_said(server: Any, root: object, why: str) -> None:
    assert why in unknown(says(server, root), PINNED, None)


@pytest.mark.parametrize(("status", "body"), [(404, b""), (200, b"[]"), (200, b"not json"), (401, b"{}")])
def test_a_server_without_a_list_of_models_is_unknown(server: Any, status: int, body: bytes) -> None:
    server.status, server.body = status, body
    assert "does not say which model" in unknown(server.url, PINNED, None)


def test_a_server_that_is_not_there_yet_is_asked_again() -> None:
    with pytest.raises(OSError, match="refused"):
        unknown(f"http://127.0.0.1:{free_port()}/v1", PINNED, None)


def test_a_folder_here_is_compared_by_its_content(server: Any, tmp_path: Path) -> None:
    for name in ("judge", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(name.encode())
    raw = PINNED.model_dump(mode="json", by_alias=True) | {"judge": {"kind": "scratch"}}
    made_here = parse_recipe(raw, "test")
    assert unknown(says(server, str(tmp_path / "judge")), made_here, tmp_path / "judge") == ""
    with pytest.raises(DifferentJudgeError, match="the model in"):
        unknown(says(server, str(tmp_path / "other")), made_here, tmp_path / "judge")
    digest = digest_tree(tmp_path / "other")
    by_digest = PINNED.model_copy(update={"judge": PINNED.judge.model_copy(update={"digest": digest})})
    assert unknown(says(server, str(tmp_path / "other")), by_digest, None) == ""
    assert "not just the pinned ones" in unknown(says(server, str(tmp_path / "judge")), by_digest, None)


def test_an_audit_says_what_is_not_known_about_its_judge(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, PINNED, tmp_path)
    assert _served_elsewhere(stage) == []
    monkeypatch.setenv("VERIF_JUDGE_URL", says(server, "org/judge"))
    (note,) = _served_elsewhere(stage)
    assert note.startswith(f"the judge at {server.url} is taken for the recipe's: its server says org/judge")
    says(server, "other/judge")
    assert "a judge may not be the recipe's" in _served_elsewhere(stage)[0]


@pytest.fixture
def cascade(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A recipe whose small judge is pinned to the folder `small`; its server is the one of the test."""
    for name in ("small", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(name.encode())
    monkeypatch.setenv(SMALL_VARIABLE, server.url)
    section = CascadeSection(digest=digest_tree(tmp_path / "small"))
    return PINNED.model_copy(update={"verifier": PINNED.verifier.model_copy(update={"cascade": section})})


def test_a_small_judge_is_compared_with_its_digest(server: Any, tmp_path: Path, cascade: Any) -> None:
    says(server, str(tmp_path / "small"))
    assert elsewhere("", cascade, None) == "", "the judge itself is the service's own"
    assert (
        "/elsewhere/small, which is not on this"
        in (says(server, "/elsewhere/small"), elsewhere("", cascade, None))[1]
    )
    note = (says(server, "org/small"), elsewhere("", cascade, None))[1]
    assert note.startswith(
        f"the small judge at {server.url} is taken for the recipe's: its server says org/small"
    )
    says(server, str(tmp_path / "other"))
    with pytest.raises(
        DifferentJudgeError, match=r"the small judge at .* is the model in .*other, .*of digest"
    ):
        elsewhere("", cascade, None)
    assert elsewhere("", PINNED, None) == "", "without a cascade nobody asks the small judge"


def test_the_small_judges_server_never_sees_the_judges_key(
    server: Any, cascade: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("VERIF_JUDGE_API_KEY", "of the judge")
    says(server, "org/small")
    elsewhere("", cascade, None)
    assert server.asked_with is None
    monkeypatch.setenv("VERIF_SMALL_JUDGE_API_KEY", "of the small one")
    elsewhere("", cascade, None)
    assert server.asked_with == "Bearer of the small one"


@pytest.mark.slow
def test_a_service_before_another_small_judge_ends_too(server: Any, tmp_path: Path, cascade: Any) -> None:
    says(server, str(tmp_path / "other"))
    with standin() as judge, service(tmp_path / "run", judge, chosen=cascade, wait=False) as found:
        assert found.process.wait(60) == 2
    assert "the small judge at" in (tmp_path / "run" / "service.log").read_text()


@pytest.mark.slow
def test_a_service_before_another_judge_ends_and_says_so(server: Any, tmp_path: Path) -> None:
    url = says(server, "other/judge").removesuffix("/v1")
    with service(tmp_path, StandInJudge(url, None), chosen=PINNED, wait=False) as found:  # type: ignore[arg-type]
        assert found.process.wait(30) == 2
    said = (tmp_path / "service.log").read_text()
    assert "is other/judge, and the recipe's is org/judge at ccc" in said
