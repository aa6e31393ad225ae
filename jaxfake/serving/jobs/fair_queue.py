"""Files that wait: people take turns, and each person's files go in their order.

So one person with many files delays another by one file at most for each turn.
"""

from collections import OrderedDict, deque


class QueueFull(Exception):
    """There is no room. The text is a sentence for the person who asked."""


class FairQueue:
    """Round robin over clients. It is used from one thread only, that of the server's event loop.

    Args:
        most: entries in all.
        most_each: entries of one client.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._most, self._most_each = most, most_each
        self._turns: OrderedDict[str, deque[str]] = OrderedDict()

    def check_room(self, client: str) -> None:
        """Checks that this client may add an entry.

        Raises:
            QueueFull: the queue, or the client's part of it, is full.
        """
        if len(self._turns.get(client, ())) >= self._most_each:
            raise QueueFull(
                f"You have {self._most_each} files waiting already: send more when one of them is done."
            )
        if len(self) >= self._most:
            raise QueueFull("Too many files are waiting: try again in a few minutes.")

    def put(self, client: str, entry: str) -> None:
        """Adds an entry behind the client's others, whether or not there is room; see `check_room`."""
        self._turns.setdefault(client, deque()).append(entry)

    def take(self) -> str | None:
        """Removes and returns the entry whose turn it is; None if nothing waits."""
        if not self._turns:
            return None
        client, entries = self._turns.popitem(last=False)
        entry = entries.popleft()
        if entries:
            self._turns[client] = entries  # at the end of the round
        return entry

    def remove(self, entry: str) -> None:
        """Removes an entry, if it waits."""
        for client, entries in self._turns.items():
            if entry in entries:
                entries.remove(entry)
                if not entries:
                    del self._turns[client]
                return

    def order(self) -> list[str]:
        """All entries in the order in which they would be taken if no other came."""
        rounds = [list(entries) for entries in self._turns.values()]
        longest = max(map(len, rounds), default=0)
        return [entries[i] for i in range(longest) for entries in rounds if i < len(entries)]

    def __len__(self) -> int:
        return sum(map(len, self._turns.values()))
