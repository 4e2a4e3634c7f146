"""What the pages that show several capabilities together declare."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from cityloom.ui.domain.declared import Display, Page

DISPLAY = Display(
    pages=(
        Page("front", gettext_noop("Overview"), "now", 10),
        Page("health", gettext_noop("Health"), "system", 10),
        Page("dead-letters", gettext_noop("Dead letters"), "system", 20, frozenset({"operator"}),
             gettext_noop("For operators, who mend what did not arrive.")),
    ),
)  # fmt: skip
