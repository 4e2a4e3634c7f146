"""What the log shows."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from cityloom.ui.domain.declared import Display, Page, Service, Watch

DISPLAY = Display(
    pages=(
        Page("verify", gettext_noop("Check a bundle"), "oversight", 50),
    ),
    watches=(
        Watch("log", gettext_noop("The log and its witnesses"), "cityloom.audit.queries.log_faults", 50,
              gettext_noop("Witnesses outside have seen it.")),
    ),
    services=(
        Service(
            key="verify", url_name="verify", event="my-data", order=20,
            title=gettext_noop("Check a proof from the city's log"),
            summary=gettext_noop("In your own browser, without trusting this server and without sending anything."),
            words=("verify", "bundle", "proof", "signature", "checkpoint", "tamper", "证明", "核对", "验证", "签名",
                   "篡改", "日志"),
        ),
    ),
)  # fmt: skip
