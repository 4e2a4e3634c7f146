"""Visitors without an account, told apart for an hour by their network, of which nothing but a digest is used."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

MOST_AN_HOUR = 20
"""From one network address; a whole house may stand behind one."""
_HOUR_S = 3600


def visitor(request: HttpRequest) -> str:
    """The network that a visitor comes from; only a digest of it is kept, with a key that changes every day."""
    address = request.META.get("REMOTE_ADDR", "")
    if settings.CITYLOOM_BEHIND_TLS:
        address = request.META.get("HTTP_X_FORWARDED_FOR", address).rpartition(",")[2].strip()
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def check_not_too_often(request: HttpRequest, what: str) -> None:
    """Count what a visitor does without an account. Raises: Refused `cases.too_often`."""
    hour = int(clock.now().timestamp()) // _HOUR_S
    key = salted_hmac("cityloom.cases.visitor", f"{what}:{visitor(request)}:{hour}", algorithm="sha256").hexdigest()
    cache.add(key, 0, _HOUR_S)
    try:
        count = cache.incr(key)
    except ValueError:  # it ran out at this moment
        count = 1
    if count > MOST_AN_HOUR:
        raise Refused("cases.too_often", "This was done {value} times from your network within an hour, which is the "
                      "most; call the city, or try again later.", value=MOST_AN_HOUR)  # fmt: skip
