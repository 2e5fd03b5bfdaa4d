"""Memory of a whole run: proportional set sizes of everything that carries its marker, summed every four seconds."""

from __future__ import annotations

import contextlib
import threading

import psutil

from verif.system.processes import MARKER


class Peak:
    """Samples in a thread while the block runs; `gb` is the largest sum seen, `by_name` what it was made of."""

    def __init__(self, marker_prefix: str, also: int) -> None:
        self.prefix, self.also = marker_prefix, also
        self.gb = 0.0
        self.by_name: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        known: set[tuple[int, float]] = set()
        while not self._stop.wait(4.0):
            sizes = dict(self._sizes(known))
            total = sum(sizes.values())
            if total > self.gb:
                self.gb, self.by_name = total, sizes

    def _sizes(self, known: set[tuple[int, float]]) -> list[tuple[str, float]]:
        out = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                identity = (process.pid, process.create_time())
                if identity not in known:
                    ours = process.pid == self.also or any(p.pid == self.also for p in process.parents())
                    if not ours and not process.environ().get(MARKER, "").startswith(self.prefix):
                        continue
                    known.add(identity)
                name = f"{' '.join(process.cmdline()[:3])[:60]} ({process.pid})"
                out.append((name, process.memory_full_info().pss / 1e9))
        return out
