"""A memo that is bounded by bytes: what is remembered for speed must not be what fills the memory.

A bound by number says nothing where somebody else chooses how large the things are. The caller says how many
bytes an entry stands for (an estimate is enough); what was not used for longest is forgotten first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Values by key, of at most `most` bytes together. An entry of more than a sixteenth of that is not kept."""

    def __init__(self, most: int) -> None:
        self.most, self.bytes = most, 0
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value, or None."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Remember a value that stands for so many bytes, key included."""
        if size > self.most // 16:
            return
        with self._lock:
            _, before = self._kept.pop(key, (value, 0))
            self._kept[key] = value, size
            self.bytes += size - before
            while self.bytes > self.most:
                _, (_, old) = self._kept.popitem(last=False)
                self.bytes -= old

    def __len__(self) -> int:
        return len(self._kept)
