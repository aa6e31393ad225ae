"""Who is let in: everybody on this machine, and elsewhere whoever knows the token.

A program sends the token with each request (Authorization: Bearer TOKEN). A browser sends it once and gets
a cookie that proves it was known.
"""

from starlette.requests import Request
from starlette.responses import Response

from jaxfake.serving.gate.cross_site import API, is_safe
from jaxfake.serving.gate.people import client_of, set_cookie
from jaxfake.serving.gate.secret import is_same, sign
from jaxfake.serving.refusal import Refusal

_COOKIE = "jaxfake_access"
TOKEN_HEADER = "X-Jaxfake-Token"
"""With the page's token, in every request that changes something."""

OPEN = frozenset({f"{API}access", f"{API}session", f"{API}openapi.json"})
"""What can be asked for without access: whether one has it, and how to get it."""


class Access:
    """Checks access, and the token of requests that change something.

    Args:
        key: for signatures.
        token: that is asked for; None to let everybody in.
    """

    def __init__(self, key: str, token: str | None) -> None:
        self._key, self._token = key, token

    def check(self, request: Request) -> None:
        """See the module. Only the JSON endpoints are kept; the page and its files hold no secret.

        Raises:
            Refusal: access or the page's token is missing.
        """
        if not request.scope["path"].startswith(API) or request.scope["path"] in OPEN:
            return
        if self._by_header(request):
            return
        if not self.admits(request):
            raise Refusal(401, "This server asks for its token.", {"WWW-Authenticate": "Bearer"})
        given = request.headers.get(TOKEN_HEADER, "")
        if not is_safe(request) and not is_same(given, self.page_token(client_of(request))):
            raise Refusal(403, "The page is out of date: load it again.")

    def admits(self, request: Request) -> bool:
        """Whether the request has the token, or none is asked for."""
        return self._token is None or self._by_header(request) or self._by_cookie(request)

    def grant(self, token: str, response: Response) -> None:
        """Gives a browser the cookie that lets it in.

        Raises:
            Refusal: this is not the token.
        """
        if self._token is None:
            return
        if not is_same(token, self._token):
            raise Refusal(403, "This is not the token of this server.")
        set_cookie(response, _COOKIE, self._proof(self._token))

    def page_token(self, client: str) -> str:
        """What only a page of this server can know: requests of this person must carry it."""
        return sign(self._key, "page", client)

    def _by_header(self, request: Request) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        known = self._token is not None and kind.lower() == "bearer"
        return known and is_same(given.strip(), self._token or "")

    def _by_cookie(self, request: Request) -> bool:
        proof = request.cookies.get(_COOKIE, "")
        return self._token is not None and is_same(proof, self._proof(self._token))

    def _proof(self, token: str) -> str:
        return sign(self._key, "access", token)
