"""A model behind an OpenAI-compatible API: `vllm serve` in a session of its own, ready means it generates.

`/health` says 200 while generation is dead (vLLM #36960), so a server counts as ready only after a real
completion. On Linux the kernel ends the server when the thread that started it dies, so a killed parent
leaves no server behind. Used for the judge, for evaluation and by `verif serve`.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verif.errors import ServiceError, SetupError
from verif.system.processor import precision, threads, value_bytes
from verif.system.weights import cache_bytes, positions

log_ = logging.getLogger("verif.system.serving")

LAST_LINES = 15
BATCH_INVARIANT = "VLLM_BATCH_INVARIANT"
"""vLLM's own switch, for GPUs of compute capability 9.0 and up."""
TOKENS_IN_FLIGHT = 65_536
"""What the KV cache of a server on CPU holds: 128 requests of 512 tokens."""
_TIED = (
    "import ctypes, os, sys\n"
    "if sys.platform == 'linux':\n"
    "    ctypes.CDLL(None).prctl(1, 15)\n"
    "if os.getppid() != int(sys.argv[1]): sys.exit(1)\n"
    "os.execvp(sys.argv[2], sys.argv[2:])\n"
)
"""Runs a command that gets SIGTERM when its parent dies (PR_SET_PDEATHSIG survives exec)."""


@dataclass
class Server:
    """A started `vllm serve`: its process, base URL (`http://127.0.0.1:PORT/v1`) and log file."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    name: str

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def wait_ready(self, seconds: float) -> None:
        """Until a real completion has come back; `ServiceError` with the last log lines otherwise."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.alive():
                raise ServiceError(
                    f"the model server ended with exit code {self.process.returncode} before it was ready."
                    f"\n{tail(self.log)}",
                    f"The whole log is {self.log}.",
                )
            if generates(self.url, self.name, timeout=min(60.0, max(1.0, end - time.monotonic()))):
                return
            time.sleep(0.3)
        raise ServiceError(
            f"the model server gave no completion within {seconds:.0f} s.\n{tail(self.log)}",
            f"Log: {self.log}.",
        )

    def stop(self, grace_s: float = 15.0) -> None:
        """End the whole process group: politely, then by force."""
        end_group(self.process, grace_s)


def end_group(process: subprocess.Popen[Any], grace_s: float = 15.0) -> None:
    """SIGTERM to a process group that we started, SIGKILL to what is left of it after `grace_s`."""
    for number, wait in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            process.poll()
            return
        end = time.monotonic() + wait
        while time.monotonic() < end:
            process.poll()
            if not _group_lives(process.pid):
                return
            time.sleep(0.05)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_port(port: int, host: str = "127.0.0.1") -> None:
    """`SetupError` if something else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SetupError(
                f"port {port} on {host} cannot be used: {error.strerror}.", "Choose another port."
            ) from None


def check_model(model: Path) -> None:
    """`ServiceError` naming what a model folder lacks; vLLM would say it 20 s later, in 60 lines."""
    if not model.is_dir():
        raise ServiceError(
            f"model folder {model} does not exist.", "Run the stage that makes it (`dvc repro`)."
        )
    if not (model / "config.json").is_file():
        raise ServiceError(f"{model} holds no config.json: it is not a model in Hugging Face form.")
    if not any(
        (model / name).is_file()
        for name in ("tokenizer.json", "tokenizer.model", "vocab.json", "tekken.json")
    ):
        raise ServiceError(f"{model} holds no tokenizer.", "Save the tokenizer beside the model.")
    if not any(model.glob("*.safetensors")):
        raise ServiceError(
            f"{model} holds no weights (*.safetensors).", "Pickled weights are not loaded: they run code."
        )


def tail(path: Path, lines: int = LAST_LINES) -> str:
    """The last lines of a log, for error messages."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 16384))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:])


def environment(gpus: int, steady: bool = False, cores: int = 1) -> dict[str, str]:
    """The server's environment: offline, without usage reports, and small on a CPU, where it computes on `cores`.

    `steady`: on GPUs an answer does not depend on what else is in its batch, unless the caller's environment says no.
    """
    env = dict(
        os.environ,
        HF_HUB_OFFLINE="1",
        TRANSFORMERS_OFFLINE="1",
        VLLM_NO_USAGE_STATS="1",
        **dict.fromkeys(("DO_NOT_TRACK", "VLLM_DO_NOT_TRACK"), "1"),
        TOKENIZERS_PARALLELISM="false",
        VLLM_HOST_IP="127.0.0.1",  # what its own processes use among themselves
        GLOO_SOCKET_IFNAME="lo0" if sys.platform == "darwin" else "lo",
    )
    if gpus and steady:
        env.setdefault(BATCH_INVARIANT, "1")
    if not gpus:
        env.update(
            VLLM_CPU_OMP_THREADS_BIND="nobind",
            VLLM_CPU_SGL_KERNEL="0",
            OMP_NUM_THREADS=str(cores),
            VLLM_ENABLE_V1_MULTIPROCESSING="0",  # lets `uni` below stand: no worker process beside the engine's
            CUDA_VISIBLE_DEVICES="",
        )
    return env


def command(
    model: Path, *, port: int, gpus: int, context: int | None, name: str, arguments: Sequence[str] = ()
) -> list[str]:
    """The `vllm serve` command line; `arguments` come last and win."""
    line = [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", str(model.resolve())]
    line += ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", name]
    line += ["--max-model-len", str(context)] if context else []
    line += ["--no-enable-log-requests", "--disable-uvicorn-access-log"]
    # By default every web page may read the answers, and torch listens on all addresses.
    line += ["--allowed-origins", "[]", "--worker-extension-cls", "verif.system.loopback.Extension"]
    if gpus:
        line += ["--tensor-parallel-size", str(gpus), "--dtype", "auto"]
    else:
        line += ["--dtype", precision(model), "--enforce-eager", "--max-num-seqs", "128"]
        line += ["--distributed-executor-backend", "uni"]
        tokens = max(context or 0, TOKENS_IN_FLIGHT)
        line += ["--kv-cache-memory-bytes", str(cache_bytes(model, tokens, value_bytes(model)))]
        # vLLM on CPU dies when it cuts the prompt of a request with a seed ("CPU Generator does not use offset")
        if limit := context or positions(model):
            line += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", str(max(limit, 8192))]
    return [*line, *arguments]


def start(
    model: Path,
    *,
    log: Path,
    gpus: int = 0,
    context: int | None = 512,
    name: str = "model",
    port: int = 0,
    arguments: Sequence[str] = (),
    steady: bool = False,
    alone: bool = False,
) -> Server:
    """Start `vllm serve` and return at once; the caller waits (`wait_ready`) and stops it.

    `alone`: nothing else computes meanwhile, so on CPU a real model gets all cores. Beside a training it would take them
    from it: threads that wait for each other are slower than one.
    """
    check_model(model)
    if port:
        check_port(port)
    port = port or free_port()
    log.parent.mkdir(parents=True, exist_ok=True)
    line = command(model, port=port, gpus=gpus, context=context, name=name, arguments=arguments)
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", _TIED, str(os.getpid()), *line],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment(gpus, steady, threads(model) if alone else 1),
            start_new_session=True,
        )
    log_.info("starting vLLM for %s on port %d, log %s", model, port, log)
    return Server(process, f"http://127.0.0.1:{port}/v1", log, name)


def generates(url: str, name: str, timeout: float = 30.0) -> bool:
    """Whether the server generates: one token, then one chat turn (whose first use is slow) if it can chat."""
    start = time.monotonic()
    if (
        _post(
            f"{url}/completions", {"model": name, "prompt": "a", "max_tokens": 1, "temperature": 0}, timeout
        )
        != 200
    ):
        return False
    body = {"model": name, "messages": [{"role": "user", "content": "a"}], "max_tokens": 1, "temperature": 0}
    left = max(1.0, timeout - (time.monotonic() - start))
    return _post(f"{url}/chat/completions", body, left) in (200, 400)  # 400: a model without a chat template


def _post(url: str, body: dict[str, object], timeout: float) -> int:
    """The status of a POST whose answer has choices; 0 for anything else."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            return 200 if "choices" in json.load(answer) else 0
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError):
        return 0


@contextmanager
def serve(
    model: Path,
    *,
    log: Path,
    gpus: int = 0,
    context: int | None = 512,
    name: str = "model",
    port: int = 0,
    arguments: Sequence[str] = (),
    ready_s: float = 300.0,
    alone: bool = False,
) -> Iterator[str]:
    """A served model for the length of the block; gives its base URL (`http://127.0.0.1:PORT/v1`).

    `gpus=0` serves on CPU; `alone` as in `start`. Clear errors: a folder that is no model, a port in use, a server that
    dies (its last log lines).
    """
    server = start(
        model, log=log, gpus=gpus, context=context, name=name, port=port, arguments=arguments, alone=alone
    )
    try:
        server.wait_ready(ready_s)
        yield server.url
    finally:
        server.stop()
