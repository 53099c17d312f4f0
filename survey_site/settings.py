"""The one settings file. Every environment variable is read here; docs/operations.md describes each."""

from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _
from environs import Env

from survey_site import __version__, environment
from survey_site import environment_stores as stores
from survey_site import environment_values as values
from survey_site.api import framework
from survey_site.desk import theme
from survey_site.studies import languages
from survey_site.telemetry import failures, lines

BASE_DIR = Path(__file__).resolve().parent.parent
_env = Env()

try:
    DATA_DIR = environment.data_dir(environment.read(_env, "str", "DATA_DIR", ""))
    X_ACCEL_PREFIX = values.internal_location(
        "X_ACCEL_PREFIX", environment.read(_env, "str", "X_ACCEL_PREFIX", "")
    )
    environment.keep_private(DATA_DIR, front_server=bool(X_ACCEL_PREFIX))
    DEBUG = environment.read(_env, "bool", "DEBUG", False)
    SECRET_KEY = environment.secret_key(environment.read(_env, "str", "SECRET_KEY", ""), DEBUG, DATA_DIR)
    SECRET_KEY_FALLBACKS = environment.fallback_keys(
        environment.read(_env, "str", "SECRET_KEY_FALLBACKS", "")
    )
    ALLOWED_HOSTS = values.hosts(
        "ALLOWED_HOSTS", environment.read(_env, "list", "ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
    )
    CSRF_TRUSTED_ORIGINS = values.origins(
        "CSRF_TRUSTED_ORIGINS", environment.read(_env, "list", "CSRF_TRUSTED_ORIGINS", [])
    )
    BEHIND_HTTPS = environment.read(_env, "bool", "BEHIND_HTTPS", False)
    TRUSTED_PROXIES = values.networks(
        "TRUSTED_PROXIES", environment.read(_env, "list", "TRUSTED_PROXIES", [])
    )
    SALIENCY_WEIGHTS_DIR = values.folder(
        "SALIENCY_WEIGHTS_DIR", environment.read(_env, "str", "SALIENCY_WEIGHTS_DIR", "")
    )
    SALIENCY_MODELS_DIR = values.folder(
        "SALIENCY_MODELS_DIR", environment.read(_env, "str", "SALIENCY_MODELS_DIR", "")
    )
    SALIENCY_METHODS = environment.methods(environment.read(_env, "str", "SALIENCY_METHODS", ""))
    STUDY_TASKS = environment.tasks(
        [
            "survey_site.tasks.matching",
            "survey_site.tasks.rating",
            "survey_site.tasks.preference",
            "survey_site.tasks.distinction",
            "survey_site.tasks.agreement",
        ],
        environment.read(_env, "list", "STUDY_TASKS", []),
    )
    MAX_UPLOAD_MB = values.number("MAX_UPLOAD_MB", environment.read(_env, "int", "MAX_UPLOAD_MB", 32))
    MAX_MODEL_MB = values.number("MAX_MODEL_MB", environment.read(_env, "int", "MAX_MODEL_MB", 256))
    MAX_IMAGE_MEGAPIXELS = values.number(
        "MAX_IMAGE_MEGAPIXELS", environment.read(_env, "int", "MAX_IMAGE_MEGAPIXELS", 50)
    )
    STARTS_PER_HOUR = values.number("STARTS_PER_HOUR", environment.read(_env, "int", "STARTS_PER_HOUR", 5000))
    SESSION_IDLE_MINUTES = values.number(
        "SESSION_IDLE_MINUTES", environment.read(_env, "int", "SESSION_IDLE_MINUTES", 60)
    )
    API_REQUESTS_PER_MINUTE = values.number(
        "API_REQUESTS_PER_MINUTE", environment.read(_env, "int", "API_REQUESTS_PER_MINUTE", 600)
    )
    REQUEST_THREADS = values.number(
        "REQUEST_THREADS", environment.read(_env, "int", "REQUEST_THREADS", 8), 1, 1000
    )
    SECOND_FACTOR_REQUIRED = values.one_of(
        "SECOND_FACTOR_REQUIRED",
        environment.read(_env, "str", "SECOND_FACTOR_REQUIRED", "nobody"),
        ("nobody", "superusers", "staff"),
    )
    SITE_URL = environment.site_url(environment.read(_env, "str", "SITE_URL", "http://localhost:8000"))
    EMAIL = environment.email(environment.read(_env, "str", "EMAIL_URL", ""), DEBUG)
    WEBHOOK_PRIVATE_HOSTS = values.hosts(
        "WEBHOOK_PRIVATE_HOSTS", environment.read(_env, "list", "WEBHOOK_PRIVATE_HOSTS", [])
    )
    DEFAULT_FROM_EMAIL = values.sender(
        "DEFAULT_FROM_EMAIL", environment.read(_env, "str", "DEFAULT_FROM_EMAIL", "saliency-survey@localhost")
    )
    DATABASES = stores.databases(
        environment.read(_env, "str", "DATABASE_URL", ""),
        environment.read(_env, "str", "DATABASE_REPLICA_URL", ""),
        DATA_DIR,
    )
    CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = stores.broker(
        environment.read(_env, "str", "CELERY_BROKER_URL", ""), DATA_DIR
    )
    CACHES = {"default": stores.cache(environment.read(_env, "str", "CACHE_URL", ""), DATA_DIR)}
    STORAGES = {
        "default": stores.storage(environment.read(_env, "str", "STORAGE_URL", ""), DATA_DIR),
        "staticfiles": {
            "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage",
            "OPTIONS": {"file_permissions_mode": 0o644},  # a front server may run under any account
        },
    }
    LOG_FORMAT = values.one_of(
        "LOG_FORMAT", environment.read(_env, "str", "LOG_FORMAT", "plain"), lines.FORMATS
    )
    LOG_REQUESTS = environment.read(_env, "bool", "LOG_REQUESTS", False)
    METRICS_TOKEN = values.metrics_token(environment.read(_env, "str", "METRICS_TOKEN", ""))
    METRICS_DIR = Path(
        values.full_path("METRICS_DIR", environment.read(_env, "str", "METRICS_DIR", ""))
        or DATA_DIR / "metrics"
    )
    METRICS_PORT = values.number("METRICS_PORT", environment.read(_env, "int", "METRICS_PORT", 0), 0, 65535)
    METRICS_ADDRESS = values.address(
        "METRICS_ADDRESS", environment.read(_env, "str", "METRICS_ADDRESS", "127.0.0.1")
    )
    BACKUP_DIR = values.full_path("BACKUP_DIR", environment.read(_env, "str", "BACKUP_DIR", ""))
    BACKUP_KEEP = values.number("BACKUP_KEEP", environment.read(_env, "int", "BACKUP_KEEP", 14), 1, 3650)
    BACKUP_ENCRYPT_TO = environment.recipients(environment.read(_env, "list", "BACKUP_ENCRYPT_TO", []))
    SENTRY_DSN = values.sentry_dsn(environment.read(_env, "str", "SENTRY_DSN", ""))
except environment.Misconfigured as error:
    environment.stop_boot(str(error))

DATABASE_ROUTERS = ["survey_site.replica.Router"] if "replica" in DATABASES else []

EMAIL_BACKEND = EMAIL["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = EMAIL["EMAIL_HOST"], EMAIL["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = EMAIL["EMAIL_HOST_USER"], EMAIL["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL["EMAIL_USE_TLS"], EMAIL["EMAIL_USE_SSL"]
EMAIL_FILE_PATH = EMAIL["EMAIL_FILE_PATH"]
EMAIL_TIMEOUT = 20
MAIL_IS_SENT = not EMAIL_BACKEND.endswith("dummy.EmailBackend")  # without a server, notifications say so

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    *STUDY_TASKS,
    "survey_site.studies",
    "survey_site.stimuli",
    "survey_site.recruitment",
    "survey_site.accounts",
    "survey_site.protocols",
    "survey_site.trials",
    "survey_site.reports",
    "survey_site.notifications",
    "survey_site.desk",
    "survey_site.demo",
    "survey_site.backup",
]

MIDDLEWARE = [
    "survey_site.telemetry.context.ContextMiddleware",
    "survey_site.telemetry.counters.RequestsMiddleware",
    "survey_site.policy.FixedHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "survey_site.policy.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "survey_site.telemetry.probes.CommonMiddleware",
    "survey_site.bodies.BodyMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "survey_site.accounts.idle.IdleMiddleware",
    "survey_site.accounts.middleware.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "survey_site.urls"
WSGI_APPLICATION = "survey_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "survey_site" / "desk" / "templates"],  # some stand before unfold's own
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AXES_HANDLER = "survey_site.accounts.login_throttle.Handler"
AXES_CLIENT_IP_CALLABLE = "survey_site.accounts.client_address.marked"  # no address is stored
AXES_FAILURE_LIMIT = 8
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # or who waits would be kept waiting by others
AXES_COOLOFF_MESSAGE = _(
    "Too many wrong passwords or codes came from here. Wait a little and try again; each further wrong one doubles the wait."
)
SILENCED_SYSTEM_CHECKS = [
    "axes.W006",
    "security.W021",  # to be preloaded is asked for by whoever owns the whole domain, not by one of its sites
]
AXES_COOLOFF_TIME = 24  # hours; how long failures are remembered, not how long anybody waits
AXES_ENABLE_ADMIN = False  # its tables are shown by desk/sign_in_admin.py, in the desk's clothes
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]

OTP_TOTP_ISSUER = "Saliency Survey"

LANGUAGE_CODE = languages.DEFAULT
LANGUAGES = [(language.code, language.name) for language in languages.LANGUAGES.values()]
LOCALE_PATHS = [BASE_DIR / "survey_site" / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_MAX_AGE = 3600
FILE_UPLOAD_PERMISSIONS = 0o640 if X_ACCEL_PREFIX else 0o600

FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024  # bodies without files: an answer is a few hundred bytes
DATA_UPLOAD_MAX_NUMBER_FILES = 1000
ARCHIVE_TIMES = 32  # a zip may unpack to so many times MAX_UPLOAD_MB, and an upload be as large
UPLOAD_SECONDS = 120  # for decoding what was uploaded to a page or the API, where a thread waits

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600  # however busy; SESSION_IDLE_MINUTES ends the others
CSRF_FAILURE_VIEW = "survey_site.trials.views.guards.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_HTTPS else None
# A front server ends TLS; what it passes on as plain HTTP is sent to HTTPS, but for what programs ask, under any host.
SECURE_SSL_REDIRECT = BEHIND_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if BEHIND_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = BEHIND_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "style-src": ["'self'", "'unsafe-inline'"],
        # No page has a script of its own in its HTML. policy.py adds what the theme of the desk asks for; participants'
        # pages set a stricter policy.
        "script-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}

CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]  # Celery's default; a message that holds anything else is not read
CELERY_TASK_DEFAULT_QUEUE = "saliency"
CELERY_TASK_ROUTES = {
    **{name: {"queue": "reports"} for name in ("reports.*", "notifications.*")},
    # Redis hands out 0 first, which is what nothing else says: a model that somebody waits for goes before bulk.
    **{name: {"priority": 6} for name in ("saliency.explain", "saliency.recompute")},
}
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
JOB_LEASE_SECONDS = 120
JOB_MAX_ATTEMPTS = 4

REST_FRAMEWORK = framework.REST
SPECTACULAR_SETTINGS = framework.SCHEMA
UNFOLD = theme.UNFOLD

LOGGING = lines.logging(LOG_FORMAT)
if SENTRY_DSN:
    failures.report_to(SENTRY_DSN, release=f"saliency-survey@{__version__}")
