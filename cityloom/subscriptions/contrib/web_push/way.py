"""Letters to browsers, through the push services of their makers. Source: RFC 8030."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.subscriptions.contrib.web_push import sealing
from cityloom.subscriptions.domain.letter import Letter, push_body
from cityloom.subscriptions.domain.wish import Address
from cityloom.subscriptions.plugins import Gone, NotTaken, Way

TIMEOUT_S = 10.0
HOSTS = (
    "fcm.googleapis.com", "jmt17.google.com", "updates.push.services.mozilla.com", "web.push.apple.com",
    ".notify.windows.com", ".push.services.mozilla.com",
)  # fmt: skip
"""The push services of the large browsers; a dot in front stands for any name below."""
_LONGEST = 1000
_ENDPOINT = re.compile(r"https://([a-z0-9][a-z0-9.-]*)(?::443)?/[A-Za-z0-9._~:/?=&%+-]*")
_SIGNED_FOR = timedelta(hours=12)


class PushWay(Way):
    """One encrypted message for each letter; the browser puts a newer one with the same tag in an older one's place."""

    name = "push"

    def check_address(self, address: Address) -> None:
        check_endpoint(address.to)
        try:
            good = sealing.is_point(sealing.decoded(address.p256dh)) and len(sealing.decoded(address.auth)) == 16
        except ValueError:
            good = False
        if not good:
            raise Refused("places.no_push", "The browser's keys cannot be read; switch notifications on again.")

    def send(self, letter: Letter, address: Address) -> None:
        self.check_address(address)
        body = sealing.encrypted(push_body(letter), sealing.decoded(address.p256dh), sealing.decoded(address.auth))
        parts = urlsplit(address.to)
        expires_s = int((clock.now() + _SIGNED_FOR).timestamp())
        headers = {
            "Authorization": sealing.authorization(_seed(), f"{parts.scheme}://{parts.netloc}", _contact(), expires_s),
            "Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream", "TTL": str(letter.ttl_s),
            "Urgency": "high",
        } | ({"Topic": letter.topic} if letter.topic else {})  # fmt: skip
        try:
            answer = httpx.post(address.to, content=body, headers=headers, timeout=TIMEOUT_S, follow_redirects=False,
                                trust_env=False)  # fmt: skip
        except httpx.HTTPError as error:
            raise NotTaken("places.push_service", "The push service did not answer ({value}).",
                           value=type(error).__name__) from error  # fmt: skip
        if answer.status_code in (404, 410):
            raise Gone
        if not answer.is_success:
            final = 400 <= answer.status_code < 500 and answer.status_code != 429
            raise NotTaken("places.push_service", "The push service did not take the letter ({value}).", final=final,
                           value=answer.status_code)  # fmt: skip


def check_endpoint(endpoint: str) -> None:
    """Raise Refused `places.push_host` for anything but a known push service over TLS: the city calls nobody else."""
    for_tests = settings.CITYLOOM.get("PUSH_TEST_SERVICE", "")
    if for_tests and endpoint.startswith(f"{for_tests}/"):
        return
    allowed = (*HOSTS, *settings.CITYLOOM.get("PUSH_HOSTS", ()))
    match = _ENDPOINT.fullmatch(endpoint)
    host = match[1] if match else ""
    if len(endpoint) > _LONGEST or not any(
        host.endswith(name) if name.startswith(".") else host == name for name in allowed
    ):
        raise _unknown()


def public_key() -> str:
    """The key by which browsers know this city."""
    return sealing.public_key(_seed())


def _seed() -> bytes:
    return Path(settings.CITYLOOM["PUSH_KEY_FILE"]).read_bytes()


def _contact() -> str:
    return settings.CITYLOOM.get("PUSH_CONTACT", "") or "mailto:warnings@cityloom.invalid"


def _unknown() -> Refused:
    return Refused("places.push_host", "The browser's push service is not one that this city knows; choose e-mail.")
