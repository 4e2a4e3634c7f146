"""Letters by mail: through the city's mail server, or as files where none is configured."""

from __future__ import annotations

import contextlib
import os
import smtplib
import ssl
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from cityloom.kernel.refused import Refused
from cityloom.subscriptions.domain.letter import Letter, one_line
from cityloom.subscriptions.domain.wish import Address
from cityloom.subscriptions.plugins import Gone, NotTaken, Way

TIMEOUT_S = 10.0
_LONGEST = 254
_NOBODY = (550, 551, 553)
"""Answers of a mail server that there is no such mailbox. Source: RFC 5321, section 4.2.3."""


class MailWay(Way):
    """One mail for each letter; a repeat has the same Message-ID."""

    name = "mail"

    def check_address(self, address: Address) -> None:
        try:
            validate_email(address.to)
            address.to.encode("ascii")
        except (ValidationError, UnicodeEncodeError) as error:
            raise _no_address() from error
        if len(address.to) > _LONGEST:
            raise _no_address()

    def send(self, letter: Letter, address: Address) -> None:
        self.check_address(address)
        options = settings.CITYLOOM.get("ALERTS", {})
        if not options.get("SMTP_HOST"):
            _write(letter, _mail(letter, address.to, "warnings@cityloom.invalid"))
            return
        server = _connect(options)
        try:
            server.sendmail(options["SMTP_FROM"], [address.to], _mail(letter, address.to, options["SMTP_FROM"]))
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            if codes & {*_NOBODY}:
                raise Gone from error
            raise _not_taken(error, final=all(code >= 500 for code in codes)) from error
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            raise _not_taken(error, final=error.smtp_code >= 500) from error
        except (OSError, smtplib.SMTPException) as error:
            raise _not_taken(error) from error
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()


def _connect(options: dict[str, Any]) -> smtplib.SMTP:
    try:
        server = smtplib.SMTP(options["SMTP_HOST"], int(options.get("SMTP_PORT", 25)), timeout=TIMEOUT_S)
        if options.get("SMTP_STARTTLS"):
            server.starttls(context=ssl.create_default_context())
        if options.get("SMTP_USER"):
            server.login(options["SMTP_USER"], options["SMTP_PASSWORD"])
    except (OSError, smtplib.SMTPException) as error:
        raise _not_taken(error) from error
    return server


def _mail(letter: Letter, to: str, sender: str) -> bytes:
    """The same mail for the same letter, byte for byte."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, to, one_line(letter.subject)
    mail["Message-ID"] = f"<{letter.key}@cityloom.invalid>"
    mail["Auto-Submitted"] = "auto-generated"
    if letter.stop_url:
        mail["List-Unsubscribe"] = f"<{letter.stop_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(letter.text, cte="base64")
    return mail.as_bytes()


def _write(letter: Letter, mail: bytes) -> None:
    """Where no mail server is configured, a folder stands for it."""
    folder = Path(settings.CITYLOOM["OUTBOX_DIR"]) / "mail"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f".{letter.key}.{os.getpid()}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(mail)
    draft.replace(folder / f"{letter.key}.eml")


def _no_address() -> Refused:
    return Refused("places.no_mail", "That is no e-mail address to which the city can write; look for a typing error.")


def _not_taken(error: Exception, *, final: bool = False) -> NotTaken:
    return NotTaken("places.mail_server", "The mail server did not take the letter ({value}).", final=final,
                    value=type(error).__name__)  # fmt: skip
