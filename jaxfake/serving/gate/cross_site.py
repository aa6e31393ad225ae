"""Refuses what a page of another site makes a browser send here.

Three checks, each enough by itself in a browser of today: where the browser says that the request comes
from (Fetch Metadata, then Origin), and, for a request that changes something, a token that only a page of
this server can read. A program that is no browser sends the token as well, or the token for access.
"""

from starlette.requests import Request

from jaxfake.serving.refusal import Refusal

API = "/api/"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def check_origin(request: Request) -> None:
    """Checks where a browser says that the request comes from.

    Raises:
        Refusal: from a page of another site, or of another port of this machine.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    api = request.scope["path"].startswith(API)
    if api and site is not None and site not in ("same-origin", "none"):
        raise _refused()
    if origin is not None and origin not in _own_origins(request) and (api or not is_safe(request)):
        raise _refused()


def is_safe(request: Request) -> bool:
    """Whether a request, by its method, changes nothing."""
    return request.method in _SAFE


def _own_origins(request: Request) -> tuple[str, str]:
    """The origin of the page itself; a proxy may have added the encryption."""
    host = request.headers.get("host", "")
    return f"http://{host}", f"https://{host}"


def _refused() -> Refusal:
    return Refusal(
        403, "This request comes from another site: open the page of this server itself."
    )
