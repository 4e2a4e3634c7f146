"""Alerts by mail, to lists of offices that must know."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from django.conf import settings

from cityloom.alerts.domain import capxml
from cityloom.alerts.domain.cap import CapAlert
from cityloom.alerts.plugins import Channel, ChannelRefused, OutcomeUnknown, OutgoingMessage, Receipt

TIMEOUT_S = 10.0


class SmtpChannel(Channel):
    """Send each alert as a mail with the words as text and the CAP message attached.

    Mail has no way to recognise a repeat. An attempt that may have succeeded is therefore never repeated; an operator
    is asked instead.
    """

    name = "smtp"

    def check_config(self) -> None:
        _options()

    def pack(self, message: OutgoingMessage) -> bytes:
        return _mail(message.xml, message.key)

    def unpack(self, parcel: bytes) -> bytes:
        mail = message_from_bytes(parcel, policy=policy.SMTP)
        attached = [part.get_content() for part in mail.walk() if part.get_filename()]
        key = str(mail["Message-ID"] or "").strip("<>").partition("@")[0]
        if len(attached) != 1 or not isinstance(attached[0], bytes) or _mail(attached[0], key) != parcel:
            raise ChannelRefused("alerts.mail_differs", "The mail says something else than the alert in it; it was "
                                 "stopped.", final=True)  # fmt: skip
        return attached[0]

    def deliver(self, parcel: bytes, message: OutgoingMessage) -> Receipt:
        options = _options()
        server = _connect(options)
        try:
            refused = server.sendmail(options["SMTP_FROM"], options["SMTP_TO"], parcel)
        except (smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
            raise _rejected(error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise OutcomeUnknown(type(error).__name__) from error  # the server may have taken it before it fell silent
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
        return Receipt(text=f"accepted for {len(options['SMTP_TO']) - len(refused)} of {len(options['SMTP_TO'])}")


def _connect(options: dict[str, Any]) -> smtplib.SMTP:
    try:
        server = smtplib.SMTP(options["SMTP_HOST"], int(options.get("SMTP_PORT", 25)), timeout=TIMEOUT_S)
        if options.get("SMTP_STARTTLS"):
            server.starttls(context=ssl.create_default_context())
        if options.get("SMTP_USER"):
            server.login(options["SMTP_USER"], options["SMTP_PASSWORD"])
        server.ehlo_or_helo_if_needed()  # a server that fails here has not seen the mail yet
    except (OSError, smtplib.SMTPException) as error:
        raise ChannelRefused("alerts.mail_server_silent", "The mail server cannot be used ({value}); it is asked "
                             "again.", final=False, value=type(error).__name__) from error  # fmt: skip
    return server


def _rejected(error: smtplib.SMTPException) -> ChannelRefused:
    codes = [code for code, _ in getattr(error, "recipients", {}).values()] or [getattr(error, "smtp_code", 0)]
    return ChannelRefused("alerts.mail_rejected", "The mail server rejected the alert with {value}.",
                          final=all(500 <= code < 600 for code in codes), value=codes[0])  # fmt: skip


def _mail(xml: bytes, key: str) -> bytes:
    """The same mail for the same alert, byte for byte."""
    alert, options = capxml.parse(xml), _options()
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"] = options["SMTP_FROM"], "undisclosed-recipients:;"
    mail["Subject"] = _one_line(" / ".join(info.headline for info in alert.infos))
    mail["Message-ID"] = f"<{key}@cityloom.invalid>"
    mail.set_content(_text(alert), cte="base64")
    mail.add_attachment(xml, maintype="application", subtype="cap+xml", filename="alert.cap.xml")
    mail.set_boundary(f"cityloom-{key}")
    return mail.as_bytes()


def _text(alert: CapAlert) -> str:
    blocks = [f"{info.headline}\n\n{info.description}\n\n{info.instruction}" for info in alert.infos]
    return f"[{alert.status}] [{alert.message_type}]\n\n" + "\n\n----\n\n".join(blocks) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _options() -> dict[str, Any]:
    options = settings.CITYLOOM.get("ALERTS", {})
    if not all(options.get(name) for name in ("SMTP_HOST", "SMTP_FROM", "SMTP_TO")):
        raise ChannelRefused(
            "alerts.mail_not_set", 'Mail needs SMTP_HOST, SMTP_FROM and SMTP_TO in CITYLOOM["ALERTS"].', final=True
        )
    return options
