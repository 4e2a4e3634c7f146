"""The library's forms for passkeys, where nonsense is a wrong answer and not a defect."""

from __future__ import annotations

import struct
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms

_NONSENSE = (KeyError, TypeError, AttributeError, ValueError, IndexError, struct.error)


class _Careful:
    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except _NONSENSE as error:
            raise get_adapter().validation_error("incorrect_code") from error


class AddPasskey(forms.AddWebAuthnForm):
    """Register a passkey."""

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except _NONSENSE as error:
            raise get_adapter().validation_error("incorrect_code") from error


class SecondFactor(_Careful, forms.AuthenticateWebAuthnForm):
    """A passkey after the password."""


class PasskeyAlone(_Careful, forms.LoginWebAuthnForm):
    """A passkey instead of the password."""


class StepUpByPasskey(_Careful, forms.ReauthenticateWebAuthnForm):
    """A passkey to confirm who is there."""
