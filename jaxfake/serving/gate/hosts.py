"""By which names the server may be called.

A page of another site can give its own name the address of this machine (DNS rebinding); its requests then
carry that name. A name that is not known here is refused. An address cannot be rebound.
"""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.requests import Request

from jaxfake.serving.refusal import Refusal

_LOCAL_NAMES = frozenset({"localhost"})


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that host."""
    if host.lower() in _LOCAL_NAMES:
        return True
    address = _address(host)
    return address is not None and address.is_loopback


class KnownHosts:
    """Checks the Host header.

    Args:
        host: that the server listens at.
        names: further ones by which people reach it, such as that of a proxy.
    """

    def __init__(self, host: str, names: Iterable[str] = ()) -> None:
        self._local = is_loopback(host)
        own = () if self._local else (host, socket.gethostname())
        self._names = _LOCAL_NAMES | {name.lower() for name in (*own, *names)}

    def check(self, request: Request) -> None:
        """See the module.

        Raises:
            Refusal: the name is not known here.
        """
        if not self._knows(request.headers.getlist("host")):
            raise Refusal(
                421,
                "This server does not go by the name in the address: use the one that it printed.",
            )

    def _knows(self, given: list[str]) -> bool:
        if len(given) != 1:
            return False
        try:
            parts = urlsplit(f"//{given[0]}")
            name, _ = parts.hostname or "", parts.port  # a port that is no number raises
        except ValueError:
            return False
        if parts.netloc != given[0] or parts.username is not None:
            return False
        address = _address(name)
        if address is not None:
            return address.is_loopback or not self._local
        return name in self._names


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
