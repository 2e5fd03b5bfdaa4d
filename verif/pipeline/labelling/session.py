"""One labeller's way through the questions: where it goes on, how far it is, how fast."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from verif.errors import InputError
from verif.pipeline.labelling.labels import MOST_NOTE, Answered, Label, LabelFile
from verif.pipeline.labelling.questions import LabelQuestion, as_page

AWAY_S = 300.0
"""A question that was looked at for longer was left alone meanwhile; it says nothing of how long labelling takes."""


@dataclass(slots=True)
class Labelling:
    """Questions in the order of one labeller, and the file of labels. Two pages of one labeller share it."""

    questions: Sequence[LabelQuestion]
    kept: LabelFile
    clock: Callable[[], float] = time.monotonic
    _asked_at: float = 0.0
    _took: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def done(self) -> int:
        """How many questions have a label."""
        return sum(question.key in self.kept.labels for question in self.questions)

    def show(self, at: int | None = None) -> dict[str, Any]:
        """LabelQuestion number `at` (from 0), or the first without a label; `question` is None after the last."""
        with self._lock:
            return self._show(at)

    def _show(self, at: int | None) -> dict[str, Any]:
        last = len(self.questions)
        at = self._open() if at is None else max(0, min(at, last))
        told = {"at": at, "total": last, "done": self.done, "seconds": self._seconds()}
        self._asked_at = self.clock()
        if at == last:
            return {**told, "question": None, "label": None}
        given = self.kept.labels.get(self.questions[at].key)
        label = {"label": given.label, "note": given.note} if given else None
        return {**told, "question": as_page(self.questions[at]), "label": label}

    def label(self, at: int, key: str, label: str, note: str) -> dict[str, Any]:
        """Keep a label, and only then show what comes next; `InputError` for one that answers no question."""
        with self._lock:
            if not 0 <= at < len(self.questions) or self.questions[at].key != key:
                raise InputError(
                    "this is another question than the page showed.", hint="Load the page again."
                )
            if label not in get_args(Answered):
                raise InputError(f"a label is pass, fail or unknown, not {label[:40]!r}.")
            if len(note) > MOST_NOTE:
                raise InputError(f"a note has at most {MOST_NOTE:,} characters, this one has {len(note):,}.")
            took = max(0.0, self.clock() - self._asked_at)
            self.kept.add(Label(key=key, label=cast("Answered", label), note=note, seconds=round(took, 1)))
            if took < AWAY_S:
                self._took.append(took)
            following = at + 1
            return self._show(following if following < self._open() else None)

    def _open(self) -> int:
        """The first question without a label; the number of all if there is none."""
        return next(
            (n for n, question in enumerate(self.questions) if question.key not in self.kept.labels),
            len(self.questions),
        )

    def _seconds(self) -> float | None:
        """What a label has taken so far, in the mean; None before the first."""
        return sum(self._took) / len(self._took) if self._took else None
