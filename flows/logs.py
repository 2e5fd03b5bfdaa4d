"""What verif itself says while a stage runs elsewhere: on the terminal, and on Prefect's page of the run.

Prefect shows other libraries' loggers only where somebody named them in the environment of the process that runs the
flow; here they are named in one place, for as long as there is something to hear.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = ("verif.cluster", "verif.flows")


@contextmanager
def heard() -> Iterator[None]:
    """Let the loggers be heard during a block; a block within a block changes nothing."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    if not loggers[0].propagate:  # heard already
        yield
        return
    handlers = _handlers()
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO)
        logger.propagate = False  # the root logger's handler would say it a second time
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.propagate = True
            for handler in handlers:
                logger.removeHandler(handler)


def _handlers() -> list[logging.Handler]:
    terminal = logging.StreamHandler(sys.stdout)
    terminal.setFormatter(logging.Formatter("%(message)s"))
    handlers: list[logging.Handler] = [terminal]
    if "prefect" in sys.modules:
        from prefect.context import FlowRunContext, TaskRunContext
        from prefect.logging.handlers import APILogHandler

        if TaskRunContext.get() or FlowRunContext.get():
            handlers.append(APILogHandler())
    return handlers
