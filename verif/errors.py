"""Every error verif raises on purpose, in one place.

A message says what happened, where, and what to do. `main` in `verif.cli.app` prints a `VerifError` as one
line and exits with `exit_code`; anything else is a bug and keeps its traceback.

What a *check* could not decide is not an exception but a verdict with status `error` (see `verif.types`):
a dead judge, a deadline or a crashed sandbox must never look like a failed constraint.
"""

from __future__ import annotations


class VerifError(Exception):
    """Base of all expected errors. `hint` says what the user can do about it."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        ends = "" if self.message.endswith((".", "!", "?", ":")) or not self.hint else "."
        return f"{self.message}{ends} {self.hint}".strip()


class InputError(VerifError):
    """Bad user data: names the file, the row (1-based) and the field."""

    def __init__(
        self, message: str, *, file: object = None, row: int | None = None, field: str = "", hint: str = ""
    ) -> None:
        self.file, self.row, self.field, self.problem = file, row, field, message
        place = ", ".join(
            part
            for part in (
                str(file) if file is not None else "",
                f"row {row}" if row is not None else "",
                f"field {field!r}" if field else "",
            )
            if part
        )
        super().__init__(f"{place}: {message}" if place else message, hint)


class RecipeError(VerifError):
    """A recipe or parameter that cannot be used."""


class SetupError(VerifError):
    """The machine lacks something: a package, disk space, a free port."""


class BusyError(VerifError):
    """Another run holds what this one needs."""


class SandboxError(VerifError):
    """The checker sandbox itself cannot run (never a checker's own failure)."""


class JudgeError(VerifError):
    """The judge gave no usable verdict: down, too slow, refused, or unparsable."""


class ServiceError(VerifError):
    """A verifier or model server did not start, is not ready, or broke its protocol."""


class NoRewardError(VerifError):
    """A response could not be decided, and the system that asks has no word for that: it must not count it."""


class UnfitVerifierError(VerifError):
    """The audit found the verifier unfit to teach; carries its reasons."""


class NoLessonError(VerifError):
    """A judge cannot be hardened: it was already taught whatever it was shown to be wrong about."""


class TrainingError(VerifError):
    """Training ended without a model: a worker died or hung, or errors passed the threshold."""


class RegistryError(VerifError):
    """The model registry or its ledger refused or could not be reached."""


class GateError(VerifError):
    """A promotion was asked for that the evidence does not support."""


class ClusterError(VerifError):
    """A cluster run that cannot start or has ended badly; carries the controller's own reason."""


# Causes that a second attempt may meet differently: a dead worker, a hung step, a server that did not come up.
HEALING = ("JudgeError", "ServiceError", "TrainingError", "Signal")


class StageError(VerifError):
    """A stage ended without its outputs; message and `kind` (an error class) are its own where it left them."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "", kind: str = "") -> None:
        super().__init__(message, hint)
        self.kind = kind

    @property
    def can_heal(self) -> bool:
        """Whether trying again makes sense; bad input, a full disk or an unfit verifier stay what they are."""
        return self.kind in HEALING
