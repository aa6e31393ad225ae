"""A refusal: an HTTP status and one plain sentence, which holds no path and nothing of the program."""

from starlette.responses import JSONResponse

NO_STORE = {"Cache-Control": "no-store"}


class Refusal(Exception):
    """A request is refused.

    Args:
        status: of HTTP, such as 413.
        sentence: what is wrong and, where it helps, what to do.
        headers: further ones of the answer.
    """

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.headers = status, sentence, headers

    def response(self) -> JSONResponse:
        """The answer: a JSON object with the key `error`."""
        headers = NO_STORE | (self.headers or {})
        return JSONResponse({"error": self.sentence}, self.status, headers)
