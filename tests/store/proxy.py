"""A TCP proxy on this machine whose connections can be broken, for tests of what happens then."""

import contextlib
import socket
import threading
from typing import Self

from tests.processes import PATIENCE

_PIECE = 1 << 16


class Proxy:
    """Forwards TCP connections to a port; what goes wrong is set at any time. A context manager.

    Attributes:
        port: to connect to.
        broken: connections are closed at their next byte, and new ones at once.
        refused: connections that were closed for that.
        frozen: nothing gets through any more, and nothing is closed.
        cut_after: bytes towards the server until it breaks for good; None for never.
    """

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.broken = False
        self.refused = 0
        self.cut_after: int | None = None
        self._frozen, self._allowed = False, 0
        self._changed = threading.Condition()

    @property
    def frozen(self) -> bool:
        return self._frozen

    @frozen.setter
    def frozen(self, frozen: bool) -> None:
        with self._changed:
            self._frozen = frozen
            self._changed.notify_all()

    def let_through(self, pieces: int) -> None:
        """Of a frozen proxy: returns when so many pieces, of 64 KiB at most, have got through."""
        with self._changed:
            self._allowed = pieces
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._allowed == 0, PATIENCE), "it hangs"

    def _may_pass(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._allowed or not self._frozen)
            self._allowed = max(self._allowed - 1, 0)
            self._changed.notify_all()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.broken, self.frozen = True, False
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.broken:
                    self.refused += 1
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._upstream))
                for source, sink, counts in ((client, server, True), (server, client, False)):
                    threading.Thread(
                        target=self._pump, args=(source, sink, counts), daemon=True
                    ).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        with source, sink, contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                self._may_pass()
                if counts and self.cut_after is not None:
                    self.cut_after -= len(piece)
                    self.broken = self.broken or self.cut_after < 0
                if self.broken:
                    break
                sink.sendall(piece)
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
