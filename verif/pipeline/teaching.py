"""Which verifiers taught in a run, from which step on, and what is to happen next. One small file, replaced whole.

A verifier that is known to be fooled stands here as a pending repair *before* anything else is done about it: whatever is
killed afterwards, nobody trains against it again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from verif.audit.alarms import Alarm
from verif.errors import TrainingError
from verif.system.files import write_json
from verif.training.progress import RunFolder

NAME = "teachers.json"


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Missed(_Kept):
    """A response that a verifier judged otherwise than the oracle: what it said, and what is true."""

    prompt: str
    response: str
    accepted: bool


class Teacher(_Kept):
    """One verifier: its identity, the step after which it took over, and what is known of it since it was replaced.

    `worst_false` is the largest share of false among the accepted over five steps after which it went on teaching.
    `judged` rollouts of its time were compared with the oracle; `wrongly_accepted` and `wrongly_refused` differed.
    `folder` is where its judge lies, relative to the run; empty for the audited one of the project.
    """

    identity: str
    after: int = 0
    folder: str = ""
    alarm: str = ""
    worst_false: float | None = None
    judged: int = 0
    wrongly_accepted: int = 0
    wrongly_refused: int = 0
    missed: tuple[Missed, ...] = ()


class Repair(_Kept):
    """A repair under way: its number (from 1), the alarm, the step it began at, and the checkpoint to go back to."""

    number: int
    alarm: str
    began: int
    back_to: int


class Teaching(_Kept):
    """The run so far. `ended` says why no more is trained although steps are left; `seconds` were spent under verifiers
    that turned out to be fooled."""

    teachers: tuple[Teacher, ...]
    repair: Repair | None = None
    ended: str = ""
    seconds: float = 0.0

    @property
    def present(self) -> Teacher:
        """Who teaches now."""
        return self.teachers[-1]

    @property
    def report(self) -> list[dict[str, Any]]:
        """The teachers, for people and the lineage."""
        return [teacher.model_dump(exclude={"folder"}) for teacher in self.teachers]

    def fooled(self, alarm: Alarm, checkpoints: list[int], seconds: float = 0.0) -> Teaching:
        """The present verifier is known to be fooled, after so many seconds: back to the last checkpoint before it began."""
        back = max((step for step in checkpoints if step < alarm.began), default=0)
        number = len(self.teachers)
        repair = Repair(number=number, alarm=alarm.message, began=alarm.began, back_to=back)
        return self.model_copy(update={"repair": repair, "seconds": self.seconds + seconds})

    def blamed(self, **known: Any) -> Teaching:
        """The same with what the present verifier missed."""
        teacher = self.present.model_copy(update=known)
        return self.model_copy(update={"teachers": (*self.teachers[:-1], teacher)})

    def taken_over(self, identity: str, folder: str) -> Teaching:
        """The repair is done: its verifier teaches from the checkpoint on."""
        assert self.repair is not None
        new = Teacher(identity=identity, after=self.repair.back_to, folder=folder)
        return self.model_copy(update={"teachers": (*self.teachers, new), "repair": None})

    def given_up(self, reason: str) -> Teaching:
        """No repair: what was learnt before the divergence is all there is."""
        return self.model_copy(update={"ended": reason})


def read(folder: RunFolder, identity: str) -> Teaching:
    """What a run's folder says, or the beginning: the audited verifier teaches. `TrainingError` for a file that is none."""
    path = folder.path / NAME
    try:
        return Teaching.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Teaching(teachers=(Teacher(identity=identity),))
    except (OSError, ValidationError) as error:
        raise TrainingError(
            f"{path} cannot be read: {str(error).splitlines()[0]}.",
            "Which verifier taught is not known; train anew with VERIF_FORCE_TRAIN=1.",
        ) from None


def write(folder: RunFolder, teaching: Teaching) -> None:
    """Keep it."""
    write_json(folder.path / NAME, teaching.model_dump(mode="json"))


def place(folder: RunFolder, teacher: Teacher | Repair) -> Path:
    """Where a repaired verifier's files lie."""
    return folder.path / (teacher.folder if isinstance(teacher, Teacher) else f"repairs/{teacher.number}")
