"""The design language in the navigation."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from cityloom.ui.domain.declared import Display, Page

DISPLAY = Display(pages=(Page("ui-parts", gettext_noop("Design language"), "system", 90),))
