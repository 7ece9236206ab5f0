"""送信先の確認: which hosts may be spoken to at all, and at which addresses.

A host must stand on the list of the installation. It is resolved once, every address it has is
looked at, and the connection goes to an address that was looked at: a name that means another
machine a moment later (DNS rebinding) reaches nothing. Addresses of one's own network are refused
unless the installation allows them: a webhook must not become a way into the town hall.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from web.config import Settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address inside
URL_MAX = 500


class UnreachableError(Exception):
    """送信不可: ``reason`` is a stable code with a sentence in ``web.texts.events``."""

    def __init__(self, reason: str) -> None:
        """``reason`` goes into the records."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reach:
    """送信の許可: what this installation lets its webhooks reach."""

    hosts: frozenset[str] = frozenset()  # names in lower case; ``*.example.jp``: all below it
    networks: tuple[Network, ...] = ()  # private networks that are allowed all the same
    plain_http: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Reach:
        """What the settings say."""
        return cls(
            frozenset(host.lower().rstrip(".") for host in _parts(settings.webhook_hosts)),
            tuple(map(ip_network, _parts(settings.webhook_networks))),
            settings.webhook_http,
        )


class Place(NamedTuple):
    """送信先: where a request goes, its address already looked at."""

    secure: bool
    host: str
    port: int
    target: str  # path and query
    address: str


def require_permitted(reach: Reach, url: str) -> tuple[bool, str, int, str]:
    """The parts of a URL that may be called; raises :class:`UnreachableError`.

    ``url_form``, ``https_required`` or ``host_not_allowed``. Nothing is resolved yet.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise UnreachableError("url_form") from None
    odd = parts.username is not None or parts.password is not None or parts.fragment
    if parts.scheme not in {"http", "https"} or not host or odd or not _is_plain(url):
        raise UnreachableError("url_form")
    secure = parts.scheme == "https"
    if not (secure or reach.plain_http):
        raise UnreachableError("https_required")
    if not _is_listed(reach.hosts, host):
        raise UnreachableError("host_not_allowed")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return secure, host, port or (443 if secure else 80), target


def find_place(reach: Reach, url: str) -> Place:
    """宛先の解決: resolve once and look at every address; raises :class:`UnreachableError`.

    ``name_unknown``, or ``private_address`` when any address of the host is not for the public
    and not allowed: a name with one good and one bad address is a trap, not a mistake.
    """
    secure, host, port, target = require_permitted(reach, url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnreachableError("name_unknown") from None
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    if not addresses:
        raise UnreachableError("name_unknown")
    if not all(is_permitted(reach, ip_address(address)) for address in addresses):
        raise UnreachableError("private_address")
    return Place(secure, host, port, target, addresses[0])


def is_permitted(reach: Reach, address: Address) -> bool:
    """許可: a public address, or one of a network that the installation names."""
    address = _inner(address)
    if any(address in network for network in reach.networks if network.version == address.version):
        return True
    return address.is_global and not address.is_multicast


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address only wraps, if it does."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        wrapped = address.ipv4_mapped or address.sixtofour
        if wrapped is None and address.teredo is not None:
            wrapped = address.teredo[1]
        if wrapped is not None:
            return wrapped
    return address


def _is_listed(hosts: frozenset[str], host: str) -> bool:
    """On the list by its name, or below a name with a star."""
    if host in hosts:
        return True
    _, _, above = host.partition(".")
    while above:
        if f"*.{above}" in hosts:
            return True
        _, _, above = above.partition(".")
    return False


def _is_plain(url: str) -> bool:
    """Printable ASCII without blanks: nothing that could end a line of the request."""
    return len(url) <= URL_MAX and all("!" <= character <= "~" for character in url)


def _parts(text: str) -> list[str]:
    return [part for part in text.replace(",", " ").split() if part]
