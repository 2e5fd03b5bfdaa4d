"""A memo that is bounded by bytes: what is remembered for speed must not be what fills the memory.

A bound by number says nothing where somebody else chooses how large the things are. The caller says how many
bytes an entry stands for (an estimate is enough); what was not used for longest is forgotten first.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
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
            kept = self._kept.get(key)
            if kept is None:
                return None
            self._kept.move_to_end(key)
            return kept[0]

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


class Remembered(Generic[V]):
    """A function of one text whose values are kept up to `most` bytes, as `functools.lru_cache` keeps a number of them.

    `texts` are the texts that a value holds, the argument aside.
    """

    def __init__(
        self, function: Callable[[str], V], most: int, texts: Callable[[V], tuple[str, ...]]
    ) -> None:
        self.function, self.most, self.texts = function, most, texts
        self.kept: Memo[str, V] = Memo(most)

    def __call__(self, text: str) -> V:
        """The value, found once."""
        value = self.kept.get(text)
        if value is None:
            value = self.function(text)
            self.kept.put(text, value, 500 + sum(map(sys.getsizeof, (text, *self.texts(value)))))
        return value

    def cache_clear(self) -> None:
        """Forget everything."""
        self.kept = Memo(self.most)
