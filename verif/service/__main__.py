"""`python -m verif.service CONFIG.json`: one service process with its judge, until nobody needs it.

The process binds its port, writes its lease, starts the judge beside it, restarts a judge that dies, and
ends by itself when it had no users and no work for a while, or on SIGTERM after finishing what it holds.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path

import stamina
import uvicorn

from verif.errors import ServiceError, SetupError, VerifError
from verif.service import users
from verif.service.app import create_app
from verif.service.build import build, identity_of
from verif.service.config import TOKEN_VARIABLE, ServiceConfig
from verif.service.protocol import MAX_CONNECTIONS, MAX_HEAD, protocol
from verif.service.served import DifferentJudgeError, elsewhere
from verif.service.state import PROBE_EVERY_S, ServiceState, prove
from verif.system import serving
from verif.system.files import write_json
from verif.system.processes import started
from verif.system.weights import positions

log = logging.getLogger("verif.service")

JUDGE_START_S = 600.0
MAX_QUICK_DEATHS = 20
"""In a row. A judge that dies once a day in a long service is replaced each time."""
STEADY_S = 600.0
"""A judge that has worked for this long was no quick death."""
LOOK_EVERY_S = 0.5
COMPARE_EVERY_S = 2.0
RESERVED_FILES = 256
"""Of the open files that the system allows, for everything but connections from clients."""


class Supervisor:
    """Keeps the judge alive, tells the application whether it is, and ends the process when it is idle."""

    def __init__(
        self, config: ServiceConfig, server: uvicorn.Server | None, judge: serving.Server | None
    ) -> None:
        self.config, self.server, self.judge = config, server, judge
        self.failure = ""

    async def run(self, state: ServiceState) -> None:
        """Until cancelled."""
        state.busy_at = time.monotonic()
        watching = asyncio.create_task(self._watch_judge(state)) if self.judge else None
        comparing = asyncio.create_task(self._compare_judges(state))
        try:
            while True:
                await asyncio.sleep(0.5)
                if state.batcher.pending or users.count(self.config.folder / "users") or state.problem:
                    state.busy_at = time.monotonic()
                if time.monotonic() - state.busy_at > self.config.idle_s:
                    log.info("no users and no work for %g s: ending", self.config.idle_s)
                    self.end(state)
                if self.server is not None and self.server.should_exit:
                    state.closing = True
        finally:
            for task in filter(None, (watching, comparing)):
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            if self.judge:  # here, so that a thread that waits for it to get ready ends too
                await asyncio.to_thread(self.judge.stop)

    def end(self, state: ServiceState) -> None:
        """Ask the server to finish what it holds and stop."""
        state.closing = True
        if self.server is not None:
            self.server.should_exit = True

    async def _compare_judges(self, state: ServiceState) -> None:
        """Once the judges that somebody else serves answer: end if one is another than the recipe's."""
        config = self.config
        while True:
            try:
                note = await asyncio.to_thread(elsewhere, config.judge_url, config.recipe, config.judge_model)
            except DifferentJudgeError as error:
                self.failure = f"{error} Serve the recipe's, or change the recipe."
                log.error("%s", self.failure)
                self.end(state)
                return
            except OSError:
                await asyncio.sleep(COMPARE_EVERY_S)
                continue
            if note:
                log.warning("%s", note)
            return

    async def _watch_judge(self, state: ServiceState) -> None:
        assert self.judge is not None
        deaths, since = 0, time.monotonic()
        try:
            await asyncio.to_thread(self.judge.wait_ready, JUDGE_START_S)
        except ServiceError as error:
            self.failure = str(error)
            log.error("%s", error)
            self.end(state)
            return
        state.problem = await self._prove(state)
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self.judge.alive():
                continue
            deaths = 1 if time.monotonic() - since > STEADY_S else deaths + 1
            if deaths >= MAX_QUICK_DEATHS:
                self.failure = f"the judge died {deaths} times in a row; its log is {self.judge.log}."
                self.end(state)
                return
            log.warning("the judge died with exit code %s; starting it again", self.judge.process.returncode)
            await asyncio.to_thread(self.judge.stop, 5.0)  # the service answers meanwhile
            since = time.monotonic()
            try:
                # Popen in this thread: the judge is tied to the life of the thread that starts it
                self.judge = start_judge(self.config, int(self.judge.url.rsplit(":", 1)[1].split("/")[0]))
                await asyncio.to_thread(self.judge.wait_ready, JUDGE_START_S)
            except (ServiceError, SetupError) as error:
                log.error("%s", error)
                await asyncio.sleep(1)

    async def _prove(self, state: ServiceState) -> str:
        """After the judge's first start: a real verdict, tried until its first slow answers are over."""
        for _ in range(5):
            state.problem = ""
            if not await prove(state):
                return ""
            await asyncio.sleep(PROBE_EVERY_S)  # sooner it would be the same answer
        return ""


def context_of(asked: int | None, model: Path) -> int | None:
    """Tokens that the judge is served with: no more than it has positions, which vLLM would refuse."""
    held = positions(model)
    return min(asked, held) if asked and held else asked


def start_judge(config: ServiceConfig, port: int = 0) -> serving.Server:
    """vLLM for the recipe's judge."""
    assert config.judge_model is not None
    section, model = config.recipe.verifier, config.recipe.judge
    arguments = (
        ["--reasoning-parser", section.judge_reasoning_parser] if section.judge_reasoning_parser else []
    )
    return serving.start(
        config.judge_model,
        log=config.folder / "judge.log",
        gpus=config.judge_gpus,
        context=context_of(getattr(model, "context", None), config.judge_model),
        name="judge",
        port=port,
        arguments=arguments,
        steady=True,  # the same bytes get the same verdict, whoever else asks
    )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; `SetupError` if the port is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SetupError(
            f"port {port} on {host} cannot be used: {error.strerror}.", "Choose another port."
        ) from None
    listener.listen(2048)
    return listener


def many_files() -> None:
    """As many open connections as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main(path: Path) -> int:
    """Serve until told to stop; the exit code is 2 if the judge did not start."""
    config = ServiceConfig.model_validate_json(path.read_bytes())
    # uvicorn raises the signal again when it has finished: unwind then, so that judge and lease go too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    many_files()
    listener = bind(config.host, config.port)
    port = listener.getsockname()[1]
    owns_judge = config.recipe.judge.kind != "none" and not config.judge_url
    judge = start_judge(config) if owns_judge else None
    try:
        return _serve(config, listener, port, judge)
    finally:
        listener.close()


def _serve(config: ServiceConfig, listener: socket.socket, port: int, judge: serving.Server | None) -> int:
    supervisor = Supervisor(config, None, judge)
    try:
        verifier = build(
            config.recipe,
            judge_url=judge.url if judge else config.judge_url or None,
            judge_model=config.judge_model,
            state=config.state,
            cache=config.cache,
            workers=config.sandbox_workers,
        )
        app = create_app(
            verifier,
            probes=list(config.probes),
            max_pending=config.max_pending,
            max_body=config.max_body,
            token=os.environ.get(TOKEN_VARIABLE, ""),
            problem="the judge is starting" if judge else "",
            on_start=supervisor.run,
        )
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = max(64, min(MAX_CONNECTIONS, files - RESERVED_FILES))
        settings = uvicorn.Config(
            app,
            http=protocol(most),
            ws="none",
            h11_max_incomplete_event_size=MAX_HEAD,
            limit_concurrency=most,
            server_header=False,
            log_level="warning",
            access_log=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=max(1, int(config.grace_s)),
            backlog=2048,
        )
        supervisor.server = uvicorn.Server(settings)
        lease = {
            "identity": identity_of(config.recipe, config.judge_model),
            "pid": os.getpid(),
            "started": started(os.getpid()),
            "url": f"http://{config.host}:{port}",
            "judge_pid": judge.process.pid if judge else 0,
            "judge_url": judge.url if judge else config.judge_url,
            "log": str(config.folder / "service.log"),
        }
        write_json(config.folder / "lease.json", lease)
        supervisor.server.run(sockets=[listener])
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not cut the cleaning up
        if supervisor.judge:
            supervisor.judge.stop()
        (config.folder / "lease.json").unlink(missing_ok=True)  # last: who finds it waits until all is gone
    if supervisor.failure:
        print(f"verif: {supervisor.failure}", file=sys.stderr)
    return 2 if supervisor.failure else 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    stamina.instrumentation.set_on_retry_hooks(())  # retries are counted in /metrics, not logged one by one
    try:
        sys.exit(main(Path(sys.argv[1])))
    except VerifError as error:
        print(f"verif: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
