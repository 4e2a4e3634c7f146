"""Alerts over HTTPS to a gateway of the city."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from cityloom.alerts.plugins import Channel, ChannelRefused, OutgoingMessage, Receipt

TIMEOUT_S = 10.0
_TRY_AGAIN = frozenset({408, 425, 429})


class WebhookChannel(Channel):
    """POST each alert to `CITYLOOM["ALERTS"]["WEBHOOK_URL"]`, with an `Idempotency-Key` that the receiver must honour.

    The receiver must answer 2xx to a key that it has seen and do nothing more; redirects are not followed.
    """

    name = "webhook"
    repeats_are_harmless = True

    def check_config(self) -> None:
        _url()

    def deliver(self, parcel: bytes, message: OutgoingMessage) -> Receipt:
        try:
            with (
                httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
                client.stream("POST", _url(), content=parcel, headers=_headers(parcel, message)) as response,
            ):
                return _receipt(response.status_code)  # the body stays unread: it is not needed, and has no bound
        except httpx.HTTPError as error:
            raise ChannelRefused(
                "alerts.webhook_silent", "The gateway did not answer ({value}); it is asked again.",
                final=False, value=type(error).__name__,
            ) from error  # fmt: skip


def _headers(parcel: bytes, message: OutgoingMessage) -> dict[str, str]:
    checksum = base64.b64encode(hashlib.sha256(parcel).digest()).decode()
    headers = {
        "Content-Type": "application/cap+xml", "Idempotency-Key": message.key,
        "Content-Digest": f"sha-256=:{checksum}:",
    }  # fmt: skip
    token = _options().get("WEBHOOK_TOKEN", "")
    return headers | ({"Authorization": f"Bearer {token}"} if token else {})


def _receipt(status: int) -> Receipt:
    if 200 <= status < 300:
        return Receipt(text=f"HTTP {status}")
    if status >= 500 or status in _TRY_AGAIN:
        raise ChannelRefused("alerts.webhook_busy", "The gateway answered {value}; it is asked again.",
                             final=False, value=status)  # fmt: skip
    raise ChannelRefused("alerts.webhook_refused", "The gateway refused the alert with {value}; ask who runs it.",
                         final=True, value=status)  # fmt: skip


def _url() -> str:
    url = str(_options().get("WEBHOOK_URL", ""))
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return url
    raise ChannelRefused(
        "alerts.webhook_not_set",
        'The webhook needs an https address (http on this machine only) in CITYLOOM["ALERTS"]["WEBHOOK_URL"].',
        final=True,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _options() -> dict[str, Any]:
    return settings.CITYLOOM.get("ALERTS", {})
