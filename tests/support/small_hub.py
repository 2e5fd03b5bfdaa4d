"""A hub on loopback with two models and a data set, which answers as the real one does."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SHA = {"org/policy": "a" * 40, "org/judge": "b" * 40, "org/rows": "c" * 40}
ROW = {"key": 1, "prompt": "p", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
MODEL = {
    "config.json": b"{}",
    "tokenizer.json": b"{ }",
    "model.safetensors": b"weights",
    "README.md": b"not taken",
}
TRAIN = b"".join(
    json.dumps({**ROW, "key": n, "prompt": f"Write about day {n}."}).encode() + b"\n" for n in range(60)
)
ROWS = {"data/rows.jsonl": json.dumps(ROW).encode(), "data/train.jsonl": TRAIN, "README.md": b"x"}


class Hub(ThreadingHTTPServer):
    """Two models and a data set; large files have a SHA-256. `gone` repositories are unknown, `down` answers 500."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.gone: set[str] = set()
        self.files = {repo: dict(ROWS if repo == "org/rows" else MODEL) for repo in SHA}
        self.down = False


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.server
        assert isinstance(hub, Hub)
        hub.asked.append(self.path)
        path, _, query = self.path.partition("?")
        parts = path.strip("/").split("/")
        if hub.down:
            return self._send(500, b"{}")
        if parts[0] == "api":  # api/{models,datasets}/org/name[/revision/x]
            repo = "/".join(parts[2:4])
            if repo in hub.gone or repo not in SHA:
                return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            files = [self._entry(name, data) for name, data in hub.files[repo].items()]
            if "tree" in parts:
                return self._send(200, json.dumps([branch(entry) for entry in files]).encode())
            if "blobs=" not in query:
                files = [{"rfilename": entry["rfilename"]} for entry in files]
            return self._send(200, json.dumps({"id": repo, "sha": SHA[repo], "siblings": files}).encode())
        parts = parts[1:] if parts[0] == "datasets" else parts  # org/name/resolve/commit/file
        repo, commit, name = "/".join(parts[:2]), parts[3], "/".join(parts[4:])
        assert (parts[2], commit) == ("resolve", SHA[repo]), self.path
        data = hub.files[repo][name]
        tag = self._entry(name, data).get("lfs", {}).get("sha256") or blob(data)
        return self._send(200, data, {"ETag": f'"{tag}"', "X-Repo-Commit": commit})

    def _entry(self, name: str, data: bytes) -> dict[str, Any]:
        entry: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": blob(data)}
        if name.endswith(".safetensors"):
            entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 100}
        return entry

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def branch(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry as the tree of a repository names it."""
    found = {"type": "file", "path": entry["rfilename"], "size": entry["size"], "oid": entry["blobId"]}
    if "lfs" in entry:
        found["lfs"] = {"oid": entry["lfs"]["sha256"], "size": entry["size"], "pointerSize": 100}
    return found


def blob(data: bytes) -> str:
    """Git's name of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
