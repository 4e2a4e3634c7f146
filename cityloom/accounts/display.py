"""What the accounts show."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from cityloom.accounts.policies import TERM_READERS
from cityloom.ui.domain.declared import Display, Page

DISPLAY = Display(
    pages=(
        Page("contractors", gettext_noop("Contractors"), "oversight", 40, frozenset(TERM_READERS),
             gettext_noop("For auditors, data stewards, operators and the data protection officer.")),
    ),
)  # fmt: skip
