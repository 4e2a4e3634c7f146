"""What the log shows."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from cityloom.ui.domain.declared import Display, Page

DISPLAY = Display(
    pages=(
        Page("verify", gettext_noop("Check a bundle"), "oversight", 50),
        Page("verify", gettext_noop("Check a bundle"), "people", 90, is_public=True),
    ),
)
