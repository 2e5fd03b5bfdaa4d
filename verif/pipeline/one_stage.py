"""`python -m verif.pipeline.one_stage STAGE`: `dvc repro --single-item STAGE` whose errors can be told apart.

DVC's command prints its own error below the stage's; a user wants one message. Here the stage's message (left
in $VERIF_ERROR_FILE by `verif stage`) stays the only one, and DVC's own troubles become one line.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from verif.system.files import write_json
from verif.system.processes import die_with_parent


def leave_message(message: str, kind: str = "VerifError") -> bool:
    """Put a message and its error class where the run that started this looks for them; False if nobody does."""
    path = os.environ.get("VERIF_ERROR_FILE")
    if not path:
        return False
    write_json(Path(path), {"kind": kind, "message": message})
    return True


def note_restored(repo: Any) -> None:
    """Have DVC's run-cache leave a note where the run that started this looks for it, when it knows a result."""
    path = os.environ.get("VERIF_RESTORED_FILE")
    if not path:
        return
    restore = repo.stage_cache.restore

    def noted(*arguments: Any, **options: Any) -> Any:
        result = restore(*arguments, **options)  # raises where nothing is known
        write_json(Path(path), {"restored": True})
        return result

    repo.stage_cache.restore = noted


def reproduce(stage: str, *, force: bool, pull: bool) -> int:
    """Exit code of the stage; 0 also when it was up to date or restored."""
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo
    from dvc.stage.exceptions import StageCmdFailedError

    logging.getLogger("dvc").setLevel(logging.CRITICAL)  # its advice on git and its tracebacks
    try:
        with Repo() as repo:
            note_restored(repo)
            repo.reproduce(targets=[stage], single_item=True, force=force, pull=pull)
    except LockError:
        leave_message("another DVC command is working in this directory; wait for it to end.")
        return 2
    except DvcException as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, StageCmdFailedError):
                code = re.search(r"exited with (-?\d+)", str(cause))  # the code is in the message only
                return int(code[1]) % 256 if code else 1
            cause = cause.__cause__
        reason = f"DVC: {error.__cause__ or error}"
        if not leave_message(reason):
            print(f"verif: {reason}", file=sys.stderr)
        return 2
    return 0


def main() -> int:
    """Parse the command line, and pass SIGTERM on to the whole group: the parent may have died."""

    def terminate(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.getpgid(0) == os.getpid():
            os.killpg(0, signal.SIGTERM)

    signal.signal(signal.SIGTERM, terminate)
    die_with_parent()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--pull", action="store_true")
    arguments = parser.parse_args()
    return reproduce(arguments.stage, force=arguments.force, pull=arguments.pull)


if __name__ == "__main__":
    sys.exit(main())
