"""Root addresses."""

from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

handler400 = "cityloom.web.portal.faults.bad_request"
handler403 = "cityloom.web.portal.faults.forbidden"
handler404 = "cityloom.web.portal.faults.not_found"
handler500 = "cityloom.web.portal.faults.defect"

urlpatterns = [
    path("", include("cityloom.web.urls")),
    path("", include("cityloom.ui.urls")),
    path("", include("cityloom.audit.urls")),
    path("", include("cityloom.accounts.urls")),
    path("", include("cityloom.gate.urls")),
    path("demo-identity/", include("cityloom.web.contrib.demo_identity.urls")),
    path("", include("cityloom.gate.urls")),
    path("", include("cityloom.registers.urls")),
    path("", include("cityloom.alerts.urls")),
    path("", include("cityloom.subscriptions.urls")),
    path("", include("cityloom.emergency.urls")),
    path("", include("cityloom.fieldwork.urls")),
    path("", include("cityloom.drills.urls")),
    path("", include("cityloom.cases.urls")),  # before signals: /reports/take/ is no report
    path("", include("cityloom.signals.urls")),
    path("", include("cityloom.detection.urls")),
    path("", include("cityloom.registers.urls")),
    path("", include("cityloom.insight.urls")),
    path("open311/", include("cityloom.cases.api.urls")),
    path("language/", login_not_required(set_language), name="set_language"),
]
