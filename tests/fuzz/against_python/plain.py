"""A program: the verdicts of CPython itself on our own generated checkers. Reads and writes JSON."""

import json
import signal
import sys
import warnings


class _LateError(BaseException):
    pass


def _late(number, frame):
    raise _LateError


def verdict(source, response):
    """True or False; None if anything was raised; "late" if it took too long."""
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        space = {"__name__": "checker"}
        exec(compile(source, "checker", "exec"), space)
        return bool(space["check_following"]("Write.", response))
    except _LateError:
        return "late"
    except Exception:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, _late)
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    out, sys.stdout = sys.stdout, sys.stderr  # what a checker prints is no part of the answer
    out.write(json.dumps([[verdict(source, response) for response in texts] for source, texts in asked]))
