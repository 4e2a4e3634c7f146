"""What subscriptions declare to the user interface."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from cityloom.ui.domain.declared import Display, Page, Service, Watch

DISPLAY = Display(
    pages=(Page("places", gettext_noop("Warnings for my places"), "people", 40, is_public=True),),
    services=(
        Service(
            key="place-alerts", url_name="places", event="safety", order=20,
            title=gettext_noop("Be warned of danger at your places"),
            summary=gettext_noop("By e-mail or in your browser, for an address, a district or a point. No account."),
            words=("alert", "warning", "subscribe", "notification", "push", "e-mail", "newsletter", "address", "home",
                   "school", "work", "unsubscribe", "预警", "订阅", "通知", "推送", "邮件", "地址", "住址", "学校",
                   "退订"),
        ),
    ),
    watches=(
        Watch("telling", gettext_noop("Warnings to those who asked"), "cityloom.subscriptions.queries.faults_of", 45,
              gettext_noop("Everybody who asked was told.")),
    ),
)  # fmt: skip
