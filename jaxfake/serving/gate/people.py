"""Who is asking: a random number in a cookie, or the address of whoever keeps no cookies.

It gives people their turns and their own list. It proves nothing about who they are.
"""

import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

_COOKIE = "jaxfake_client"
_YEAR = 365 * 24 * 3600


def client_of(request: Request) -> str:
    """Who is asking; the same text for every request with the same cookie."""
    cookie = request.cookies.get(_COOKIE, "")
    if re.fullmatch("[0-9a-f]{32}", cookie):
        return cookie
    return f"address {request.client.host if request.client else 'unknown'}"


def introduce(request: Request, response: Response) -> str:
    """Who is asking; a browser that is new here gets a number, in a cookie that other sites never send."""
    client = client_of(request)
    if client.startswith("address "):
        client = secrets.token_hex(16)
        set_cookie(response, _COOKIE, client)
    return client


def set_cookie(response: Response, name: str, value: str) -> None:
    """Sets a cookie that scripts cannot read and that browsers send to this site alone."""
    response.set_cookie(name, value, max_age=_YEAR, httponly=True, samesite="strict")
