"""Django's settings: embedded by default, PostgreSQL when `CITYLOOM_DATABASE_URL` names one."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from cityloom.project.home import Home

PACKAGE = Path(__file__).resolve().parent.parent
HOME = Home.from_environment()

CITYLOOM = {
    "HOME": HOME.path,
    "CITY_DIR": HOME.city_dir,
    "KEEPER_DIR": HOME.keeper_dir,
    "LAKE_DIR": HOME.lake,
    "CITY_ID": HOME.city_id,
    "KEEPER_SOCKET": HOME.socket("keeper" if "CITYLOOM_CITY_DIR" not in os.environ else f"keeper-{os.getpid()}"),
    "ASSERTION_KEY_FILE": HOME.secret_file("assertion"),
    "OUTBOX_DIR": HOME.sent,
    "STILLS_DIR": HOME.stills,
    "REPORTS_DIR": HOME.reports,
    "INBOX_DIR": os.environ.get("CITYLOOM_INBOX") or HOME.path / "inbox",
    "SECOND_FACTOR_KEY_FILE": HOME.secret_file("second-factor"),
    "PUSH_KEY_FILE": HOME.secret_file("web-push"),
    "DEMO_IDENTITY_KEY_FILE": HOME.secret_file("demo-identity"),
    "READINGS_DIR": HOME.readings,
    "READINGS_DOOR": HOME.socket("readings"),
    "STATUS_FILE": HOME.path / "run" / "status.json",
}

CITYLOOM_TILE_CACHE_BYTES = int(os.environ.get("CITYLOOM_TILE_CACHE_MB", "512")) * 1_000_000
"""The most that drawn tiles of the map may take on disk."""
CITYLOOM_LIVE_URL = os.environ.get("CITYLOOM_LIVE_URL", "")
CITYLOOM_WIRING = "cityloom.project.wiring.REACTIONS"

SECRET_KEY = HOME.secret("django")
DEBUG = False
ALLOWED_HOSTS = os.environ.get("CITYLOOM_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "cityloom.bus.apps.BusConfig",
    "cityloom.ui.apps.UiConfig",
    "cityloom.audit.apps.AuditConfig",
    "cityloom.accounts.apps.AccountsConfig",
    "cityloom.gate.apps.GateConfig",
    "cityloom.registers.apps.RegistersConfig",
    "cityloom.alerts.apps.AlertsConfig",
    "cityloom.subscriptions.apps.SubscriptionsConfig",
    "cityloom.signals.apps.SignalsConfig",
    "cityloom.fieldwork.apps.FieldworkConfig",
    "cityloom.detection.apps.DetectionConfig",
    "cityloom.cases.apps.CasesConfig",
    "cityloom.emergency.apps.EmergencyConfig",
    "cityloom.insight.apps.InsightConfig",
    "cityloom.drills.apps.DrillsConfig",
    "cityloom.web.apps.WebConfig",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
]
"""The libraries come last: where a page of theirs has one of ours beside it, ours is shown."""

MIDDLEWARE = [
    "cityloom.ui.strangers.KeepForStrangers",
    "django.middleware.security.SecurityMiddleware",
    "cityloom.ui.middleware.CompressText",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "cityloom.ui.middleware.ContentSecurityPolicy",
    "cityloom.web.middleware.CityAround",
    "cityloom.ui.middleware.RefuseNul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "cityloom.accounts.middleware.KeepSessionsInBounds",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "cityloom.accounts.middleware.KeepResidentsApart",
    "cityloom.ui.middleware.KeepPagesPrivate",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "cityloom.web.middleware.SayWhereToGo",
    "cityloom.ui.middleware.ShowRefusals",
    "cityloom.accounts.middleware.AskToStepUp",
]

ROOT_URLCONF = "cityloom.project.urls"
ASGI_APPLICATION = "cityloom.project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cityloom.ui.context.page",
                "cityloom.web.middleware.city",
                "cityloom.drills.middleware.running_drill",
            ]
        },
    }
]


def database_from(url: str, city_id: str = "") -> dict[str, object]:
    """Django's settings for a `postgresql://user:password@host:port/name` address; each city has its own schema."""
    parts = urlsplit(url)
    schema = {"options": f"-c search_path=city_{city_id.lower()}"} if city_id else {}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)) | schema,
    }


SQLITE_PRAGMAS = (
    "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536; "
    "PRAGMA temp_store=MEMORY;"
)


def embedded_database(path: Path) -> dict[str, object]:
    """Django's settings for the embedded database at `path`."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 10, "init_command": SQLITE_PRAGMAS},
    }


DATABASE_URL = os.environ.get("CITYLOOM_DATABASE_URL", "")
DATABASES = {"default": database_from(DATABASE_URL, HOME.city_id) if DATABASE_URL else embedded_database(HOME.database)}

AUTH_USER_MODEL = "accounts.Account"
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}), ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}), ("NumericPasswordValidator", {}),
    )
]  # fmt: skip
ACCOUNT_ADAPTER = "cityloom.accounts.contrib.allauth.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_METHODS = ("password", "mfa")
MFA_ADAPTER = "cityloom.accounts.contrib.allauth.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    name: f"cityloom.accounts.contrib.allauth.forms.{form}"
    for name, form in (
        ("add_webauthn", "AddPasskey"), ("authenticate_webauthn", "SecondFactor"), ("login_webauthn", "PasskeyAlone"),
        ("reauthenticate_webauthn", "StepUpByPasskey"),
    )
}  # fmt: skip
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "preferred"
SOCIALACCOUNT_ADAPTER = "cityloom.accounts.contrib.allauth.openid.SocialAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5

CITYLOOM_BEHIND_TLS = os.environ.get("CITYLOOM_BEHIND_TLS", "") == "1"
"""A proxy with TLS stands in front, and sets X-Forwarded-Proto and X-Forwarded-For itself; no demo account then."""
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if CITYLOOM_BEHIND_TLS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CITYLOOM_BEHIND_TLS
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if CITYLOOM_BEHIND_TLS else 0
CITYLOOM_PASSKEY_HOST = os.environ.get("CITYLOOM_PASSKEY_HOST", "")
CITYLOOM_SESSIONS = {
    "LONGEST_S": 12 * 3600, "IDLE_S": 30 * 60, "TOUCH_S": 60,
    "IDLE_ROLES": ("duty-officer", "commander", "social-worker", "data-protection-officer", "steward", "operator",
                   "auditor", "case-handler", "supervisor"),
}  # fmt: skip
CITYLOOM_RESIDENT_LINKER = "cityloom.gate.actions.link_resident"
"""Dotted path of `link(account_id, claim, provider, at)`; raises Refused where the claim is nobody's."""
CITYLOOM_RESIDENTS_IN = "cityloom.registers.queries.residents_in"
"""Dotted path of `residents_in(dwelling ids)`: who is registered there, for grants that name dwellings."""
CITYLOOM_HOMES_OF = "cityloom.registers.queries.homes_of"
"""Dotted path of `homes_of(subjects)`: the dwelling of each, for questions that are about places."""
CITYLOOM_DWELLINGS_AT = "cityloom.registers.queries.dwellings_at"
"""Dotted path of `dwellings_at(street, house number)`: numbers and addresses of dwellings, without who lives there."""
CITYLOOM_MATTERS = "cityloom.project.matters.known"
"""Dotted path of `known(names)`: those matters that there are, each with whom it is given to, None for anybody."""
CITYLOOM_CALENDAR = os.environ.get("CITYLOOM_CALENDAR", "china")
"""The calendar of working time that the clocks of cases run by."""
CITYLOOM_JURISDICTIONS = tuple(filter(None, os.environ.get("CITYLOOM_JURISDICTIONS", "").split(",")))
"""The jurisdictions that Open311 answers for, by id; of several a client has to name one."""
CITYLOOM_SCANNER = os.environ.get("CITYLOOM_SCANNER", "")
"""What looks through files that are sent, as `clamd:/run/clamav/clamd.ctl`; without one, readers are told so."""
CITYLOOM_SCANNERS = {
    "clamd": "cityloom.files.contrib.clamd.Clamd", "demo": "cityloom.files.contrib.demo.DemoScanner",
    "demo-away": "cityloom.files.contrib.demo.AwayScanner",
}  # fmt: skip
"""The kinds of scanner by the first part of their address: dotted paths, to which a city adds its own."""
CITYLOOM_INTAKE_UNIT = os.environ.get("CITYLOOM_INTAKE_UNIT", "city/social")
"""The unit whose desk has a case that is nobody else's, and that hears of those that are overdue elsewhere."""
CITYLOOM_HOTSPOT_ALARMS_PER_YEAR = float(os.environ.get("CITYLOOM_HOTSPOT_ALARMS_PER_YEAR", "1"))
"""So many alarms of hot spots an office gets in a year by chance alone; fewer mean that less is noticed."""
CITYLOOM_DEMO_RESIDENTS = "cityloom.project.demo.residents"
"""Dotted path of a callable that returns `[(label, national id)]` of people who are made up."""
CITYLOOM_DEMO_PROVIDER = "cityloom.web.contrib.demo_identity.provider.offered"
SESSION_COOKIE_AGE = CITYLOOM_SESSIONS["LONGEST_S"]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "cityloom.web.portal.faults.form_refused"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]  # photos touch no disk unsealed
FILE_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024  # what cityloom.project.bodies lets through

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"/built/.+\.[0-9a-f]{12}\.\w+$"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS: list[str] = []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {
        "file": {
            "class": "logging.handlers.RotatingFileHandler", "filename": HOME.logs / "cityloom.log", "delay": True,
            "maxBytes": 20_000_000, "backupCount": 5, "formatter": "line", "encoding": "utf-8",
        }
    },
    "root": {"handlers": ["file"], "level": "INFO"},
    "loggers": {"fido2": {"level": "WARNING"}},
}  # fmt: skip
