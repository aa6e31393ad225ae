"""Runs the application on a socket until the process is asked to stop."""

import asyncio
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.preemption import preemption

_POLL_SECONDS = 0.2
_LAST_REQUESTS_SECONDS = 5
"""For requests that are being answered when the server stops."""

_MOST_CONNECTIONS = 100
_KEEP_ALIVE_SECONDS = 10


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        InputError: the address is not of this machine, or the port is taken.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"--host={host} --port={port} cannot be listened at ({reason}): choose others"
        ) from error


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Answers requests until a stop is requested. Call it inside of `preemption.protecting`.

    The server has a thread of its own, because it would take the signals to itself in the main one.

    Raises:
        RuntimeError: the server ended by itself.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ws="none",
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,
        )
    )
    thread = threading.Thread(
        target=asyncio.run, args=(server.serve([listening]),), name="server", daemon=True
    )
    thread.start()
    while thread.is_alive() and not preemption.requested:
        thread.join(_POLL_SECONDS)
    ended_by_itself = not preemption.requested
    server.should_exit = True
    thread.join()
    if ended_by_itself:
        raise RuntimeError("the server ended by itself")
