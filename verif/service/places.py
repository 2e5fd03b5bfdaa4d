"""Who may have how much of a bounded good: nobody all of it, everybody a fair share.

A client may take what is free. When nothing is free, one that holds less than its share of the bound, which is the
bound divided by those who hold something, still gets it. So a client with a thousand requests delays the others and
cannot keep them out, and what is given out is at most twice the bound. A client is the address it asks from: the
token is the same for all who have it. Users of one machine, or behind one proxy, are one client.
"""

from __future__ import annotations

from collections import Counter


class Places:
    """A bounded good of which clients hold amounts; `held` is what all of them hold."""

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0
        self._held: Counter[str] = Counter()

    def of(self, client: str) -> int:
        """What a client holds."""
        return self._held[client]

    def fits(self, client: str, amount: int) -> bool:
        """Whether a client may have so much more. Who finds nothing taken may have more than the bound."""
        if not self._held or self.held + amount <= self.most:
            return True
        mine = self._held.get(client, 0)
        clients = len(self._held) + (client not in self._held)
        return clients > 1 and mine + amount <= self.most // clients

    def take(self, client: str, amount: int) -> None:
        """Hold so much more."""
        self._held[client] += amount
        self.held += amount

    def give(self, client: str, amount: int) -> None:
        """Hold so much less; who holds nothing is forgotten."""
        self._held[client] -= amount
        self.held -= amount
        if self._held[client] <= 0:
            del self._held[client]
