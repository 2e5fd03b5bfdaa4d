"""`verif serve` and `verif chat`: a registered model behind vLLM, and a conversation with it."""

from __future__ import annotations

import json
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from verif.errors import ServiceError
from verif.project import load_stage
from verif.system.console import Console

console = Console(highlight=False, soft_wrap=True)
Chat = list[dict[str, str]]


def serve(
    which: str = typer.Argument("champion", help="Version number, alias, or a model's folder."),
    port: int = typer.Option(0, help="Port on 127.0.0.1 (0: a free one)."),
    gpus: int = typer.Option(0, help="GPUs for tensor parallelism; 0 serves on the CPU."),
) -> None:
    with served(which, port, gpus) as (url, name):
        console.print(f"{which} is served at {url} (OpenAI API, model name {name!r}). Ctrl-C ends it.")
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        while not stop.wait(1.0):
            pass


def chat(
    which: str = typer.Argument(
        "champion", help="Version number, alias, a model's folder, or a served model's URL."
    ),
    message: str = typer.Option("", "--message", "-m", help="Ask this once and end."),
    temperature: float = typer.Option(0.0, min=0.0, max=2.0),
    tokens: int = typer.Option(128, min=1, help="The longest answer."),
) -> None:
    if which.startswith(("http://", "https://")):
        talk(which.rstrip("/"), model_name(which.rstrip("/")), message, temperature, tokens)
        return
    with served(which, 0, 0) as (url, name):
        talk(url, name, message, temperature, tokens)


@contextmanager
def served(which: str, port: int, gpus: int) -> Iterator[tuple[str, str]]:
    """The model behind a URL, for the length of the block."""
    from verif.evaluation.run import context_of
    from verif.system.serving import serve as start

    stage = load_stage()
    folder = Path(which) if Path(which).is_dir() else weights(which)
    log = stage.state / "logs" / "serve.log"
    console.print(f"Starting vLLM with {folder} (20 to 40 s on a CPU); log: {log}", markup=False)
    context = context_of(folder)
    with start(folder, log=log, gpus=gpus, context=context, name="verif", port=port) as url:
        yield url, "verif"


def weights(which: str) -> Path:
    """The local folder of a registered version, its digest checked."""
    from verif.registry import hands, promotion, versions

    stage = load_stage()
    with promotion.at_desk(stage) as desk:
        for line in promotion.settle(desk):
            console.print(line, markup=False)
        if desk.registry.resolve(which).number == desk.champion and (why := hands.unchecked(desk.entries)):
            console.print(f"Not promoted by the gate: {why}.", markup=False)
        return versions.fetch(desk.registry, desk.registry.resolve(which), stage.state)


def talk(url: str, name: str, message: str, temperature: float, tokens: int) -> None:
    """One question, or a conversation until an empty line. Each instruction stands alone: the policy is single-turn."""
    if message:
        print(ask(url, name, [{"role": "user", "content": message}], temperature, tokens))
        return
    console.print("An instruction per line; an empty line or Ctrl-D ends.")
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            return
        if not line:
            return
        print(ask(url, name, [{"role": "user", "content": line}], temperature, tokens))


def ask(url: str, name: str, messages: Chat, temperature: float, tokens: int) -> str:
    """The model's answer; `ServiceError` if the server gives none."""
    body = {"model": name, "messages": messages, "temperature": temperature, "max_tokens": tokens}
    reply = _call(f"{url}/chat/completions", json.dumps(body).encode())
    return str(reply["choices"][0]["message"]["content"])


def model_name(url: str) -> str:
    """The name under which a server serves its model."""
    return str(_call(f"{url}/models", None)["data"][0]["id"])


def _call(url: str, body: bytes | None) -> dict:  # type: ignore[type-arg]
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:  # noqa: S310
            reply: dict[str, object] = json.load(answer)
            return reply
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise ServiceError(
            f"{url} did not answer: {error}.", "Is it served? `verif serve champion`."
        ) from None
