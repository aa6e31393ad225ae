"""The checks that a request passes in turn, and the answer where one refuses it or the server fails."""

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jaxfake.runtime.progress import say
from jaxfake.serving.receiving import Body
from jaxfake.serving.refusal import Refusal

FAILED = Refusal(500, "Something went wrong here, through no fault of yours.")

_REFUSED = 400
"""The statuses of HTTP from here on are refusals and failures."""

type Check = Callable[[Request], None]
"""Raises a Refusal, or returns."""


class Gate:
    """Passes on requests that no check refuses.

    Args:
        app: what they are passed on to.
        checks: in their order.
        failed: is told of an error of the server itself, which the person who asked learns nothing about.
    """

    def __init__(
        self, app: ASGIApp, checks: Sequence[Check], failed: Callable[[Exception], None]
    ) -> None:
        self._app, self._checks, self._failed = app, checks, failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request of ASGI."""
        if scope["type"] == "http":
            await self._pass(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, begun = Body(receive), False

        async def after_body(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start" and message["status"] >= _REFUSED:
                await body.drain()
            begun = True
            await send(message)

        try:
            request = Request(scope)
            for check in self._checks:
                check(request)
            await self._app(scope, body.receive, after_body)
            return
        except Refusal as refusal:
            answer = refusal.response()
        except Exception as error:
            self._failed(error)
            answer = FAILED.response()
        if not begun:
            await answer(scope, body.receive, after_body)


def tell_terminal(error: Exception) -> None:
    """Says in one line on the terminal what failed."""
    say(f"a request failed: {type(error).__name__}: {' '.join(str(error).split())}")
