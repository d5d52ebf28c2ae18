"""Settings, read top to bottom. Only what differs between machines comes from the environment (``.env.example``).

In production a missing secret stops the start with its name, and so does whatever :mod:`novamind.hardening` refuses.
"""

import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from novamind.hardening import refuse_unsafe
from novamind.limits import FILE_MB, JSON_BYTES, LIMITS
from novamind.settings_api import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: F401  (settings of ours too)
from novamind.settings_messages import messages

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")

# Where are we
ENVIRONMENT = env.str("ENVIRONMENT", default="development")
if ENVIRONMENT not in {"development", "test", "staging", "production"}:
    raise ImproperlyConfigured(f"ENVIRONMENT is {ENVIRONMENT!r}; it is development, test, staging or production")
HARDENED = ENVIRONMENT in {"staging", "production"}
DEMO = env.bool("DEMO", default=False)
DEBUG = False  # the debug page prints local variables, and ours are patients
VERSION = "0.1.0"
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var")))


def secret(name: str) -> str:
    """A secret: from the environment, or a throw-away one kept in DATA_DIR outside production."""
    if value := env.str(name, default=""):
        return value
    if HARDENED:
        raise ImproperlyConfigured(f"{name} is not set")
    return development_secret(DATA_DIR / "secrets" / name.lower())


def development_secret(path: Path) -> str:
    """Create once, read ever after; whole or not at all, so that a process starting beside this one reads no half."""
    import os
    import secrets
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(dir=path.parent)  # readable by its owner alone
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(48))
            with suppress(FileExistsError):  # the other process was first
                os.link(draft, path)
        finally:
            os.unlink(draft)
    return path.read_text(encoding="ascii")


SECRET_KEY = secret("SECRET_KEY")
JWT_SECRET_KEY = secret("JWT_SECRET_KEY")
AUDIT_SEAL_KEY = secret("AUDIT_SEAL_KEY")
AUDIT_ANCHOR_URL = env.str("AUDIT_ANCHOR_URL", default="")
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if HARDENED else ["127.0.0.1", "localhost", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

# Safety switches (contract): off is for development only
RATE_LIMITING_ENABLED = env.bool("RATE_LIMITING_ENABLED", default=True)
PHI_SANITIZATION_ENABLED = env.bool("PHI_SANITIZATION_ENABLED", default=True)
HIPAA_LOG_SANITIZATION_ENABLED = env.bool("HIPAA_LOG_SANITIZATION_ENABLED", default=True)
HIPAA_PHI_DETECTION_LEVEL = env.str("HIPAA_PHI_DETECTION_LEVEL", default="strict")
PAT_PHI_DETECTION_LEVEL = env.str("PAT_PHI_DETECTION_LEVEL", default="moderate")
if not {HIPAA_PHI_DETECTION_LEVEL, PAT_PHI_DETECTION_LEVEL} <= {"strict", "moderate", "relaxed"}:
    raise ImproperlyConfigured("HIPAA_PHI_DETECTION_LEVEL and PAT_PHI_DETECTION_LEVEL are strict, moderate or relaxed")
PHI_TOKEN_HOURS = env.int("PHI_TOKEN_HOURS", default=24)
SENTRY_DSN = env.str("SENTRY_DSN", default="")

INSTALLED_APPS = [
    "novamind.apps.NovamindConfig",
    "novamind.apps.NovamindAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "auditlog",
    "storages",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "novamind.phi",
    "novamind.throttle",
    "novamind.accounts",
    "novamind.audit",
    "novamind.jobs",
    "novamind.registry",
    "novamind.delivery",
    "novamind.compliance",
    "patients",
    "actigraphy",
    "twins",
    "insights",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    # Outside whatever answers by itself: a refusal is framed no more than a page.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "novamind.api.NoStoreMiddleware",
    "novamind.accounts.sessions.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "novamind.accounts.sessions.SignInMiddleware",
    # Outside CSRF, login and views: refusals are on record too.
    "novamind.audit.middleware.AuditMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Before CSRF, which reads the body: a stranger is turned away unread.
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "novamind.accounts.second_factor.SecondFactorMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "novamind.urls"
WSGI_APPLICATION = "novamind.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "novamind.frame.context",
            ],
            "builtins": ["novamind.templatetags.novamind"],
        },
    }
]

# Data
DATABASE_URL = env.str("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'novamind.sqlite3'}")
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
ON_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if ON_SQLITE:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # two writers queue up instead of failing half-way
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    if HARDENED:
        # Kept beside what the URL says, so that a certificate path given there stays.
        DATABASES["default"].setdefault("OPTIONS", {}).setdefault("sslmode", "verify-full")
DATABASES["default"]["ATOMIC_REQUESTS"] = False  # the audit middleware owns the transaction
# The role that owns the tables; migrations alone run under it.
MIGRATE_DATABASE_URL = env.str("MIGRATE_DATABASE_URL", default="")

# Files: encrypted before they get here
S3_BUCKET = env.str("S3_BUCKET", default="")
AWS_REGION = env.str("AWS_REGION", default="")
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", default="")
# The object store's own, where it is not AWS: KMS, Bedrock and SES take the AWS ones
S3_ACCESS_KEY_ID = env.str("S3_ACCESS_KEY_ID", default="") or env.str("AWS_ACCESS_KEY_ID", default="")
S3_SECRET_ACCESS_KEY = env.str("S3_SECRET_ACCESS_KEY", default="") or env.str("AWS_SECRET_ACCESS_KEY", default="")
S3_KMS_KEY_ID = env.str("S3_KMS_KEY_ID", default="")
# Wraps the master key, and nothing else
KMS_KEY_ID = env.str("KMS_KEY_ID", default="")
MASTER_KEY_FILE = Path(env.str("MASTER_KEY_FILE", default=str(DATA_DIR / "secrets" / "master.key")))
# The master key before this one, while data keys are wrapped anew
MASTER_KEY_OLD_FILE = env.str("MASTER_KEY_OLD_FILE", default="")
BREACHED_PASSWORDS_FILE = env.str("BREACHED_PASSWORDS_FILE", default="")
KEY_MAX_AGE_DAYS = env.int("KEY_MAX_AGE_DAYS", default=365)
UPLOAD_LIMIT_MB = env.int("UPLOAD_LIMIT_MB", default=FILE_MB)
_files: dict[str, object] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": str(DATA_DIR / "files"), "file_permissions_mode": 0o600},
}
if S3_BUCKET:
    _files = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "region_name": AWS_REGION or None,
            "endpoint_url": S3_ENDPOINT_URL or None,
            "access_key": S3_ACCESS_KEY_ID or None,
            "secret_key": S3_SECRET_ACCESS_KEY or None,
            "default_acl": None,
            "querystring_auth": True,
            "file_overwrite": False,
            "object_parameters": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": S3_KMS_KEY_ID}
            if S3_KMS_KEY_ID
            else {},
        },
    }
STORAGES = {
    "default": _files,
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if HARDENED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
FILE_UPLOAD_HANDLERS = ["novamind.phi.uploads.EncryptedUploadHandler"]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not HARDENED
if not HARDENED:
    STATIC_ROOT.mkdir(exist_ok=True)  # empty here; WhiteNoise warns of a missing one at every start
DATA_UPLOAD_MAX_MEMORY_SIZE = JSON_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = LIMITS["form_fields"].value

# Cache and broker
REDIS_URL = env.str("REDIS_URL", default="")
CACHE_URL = env.str("CACHE_URL", default="")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_URL}
    if CACHE_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# Work (reference: docs/jobs.md)
JOB_LEASE_S = env.int("JOB_LEASE_S", default=30)
JOB_RENEW_S = env.int("JOB_RENEW_S", default=10)
TICK_S = env.float("TICK_S", default=10.0)
JOB_TIME_LIMIT_S = env.int("JOB_TIME_LIMIT_S", default=900)
BROKER_DIR = DATA_DIR / "broker"

# People and sessions
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "novamind.audit.throttle.ThrottledBackend",  # first: before a password is hashed
    "django.contrib.auth.backends.ModelBackend",  # guardian's would open has_perm on patients
    "novamind.accounts.codes.SecondFactorBackend",
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "novamind.accounts.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # administrators make accounts
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_RATE_LIMITS = False  # allauth's live in the cache and fail open; ours in the trail (novamind.audit.throttle)
MFA_ADAPTER = "novamind.accounts.adapters.MFAAdapter"
MFA_FORMS = {
    "authenticate": "novamind.accounts.forms.CodeForm",
    "reauthenticate": "novamind.accounts.forms.CodeAgainForm",
    "activate_totp": "novamind.accounts.forms.SetUpAppForm",
    "add_webauthn": "novamind.accounts.forms.AddPasskeyForm",
}
MFA_RATE_LIMITS = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # a passkey alone is two factors only with a fingerprint, a face or a PIN
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HARDENED
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TRUST_ENABLED = False
# Single sign-on: [{"id": "clinic", "name": "Clinic", "issuer": "https://…", "client_id": "…", "secret": "…"}]
OIDC_PROVIDERS = env.json("OIDC_PROVIDERS", default=[])
SOCIALACCOUNT_ADAPTER = "novamind.accounts.adapters.SocialAdapter"
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "APPS": [
            {
                "provider_id": provider["id"],
                "name": provider["name"],
                "client_id": provider["client_id"],
                "secret": provider.get("secret", ""),
                "settings": {
                    # Some issuers end in a slash; the address of their document has one all the same.
                    "server_url": provider["issuer"].rstrip("/") + "/.well-known/openid-configuration",
                    "oauth_pkce_enabled": True,
                },
            }
            for provider in OIDC_PROVIDERS
        ]
    }
}
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "novamind.accounts.passwords.WordsOfThisPlaceValidator"},
    {"NAME": "novamind.accounts.passwords.BreachedPasswordValidator"},
]
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_HTTPONLY = True
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None

# The wire
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not "no-referrer": browsers then send "Origin: null" with our own forms and the CSRF check refuses them.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HARDENED:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# API (the rest: novamind/settings_api.py)
SIMPLE_JWT = {
    "SIGNING_KEY": JWT_SECRET_KEY,
    "ALGORITHM": "HS256",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "AUDIENCE": "novamind-api",
    "ISSUER": "novamind",
    "CHECK_REVOKE_TOKEN": True,
}
# Models
PAT_MODEL_PROVIDER = env.str("PAT_MODEL_PROVIDER", default="local")
TWIN_INPUTS_KEPT_DAYS = env.int("TWIN_INPUTS_KEPT_DAYS", default=400)
PAT_MODEL_ID = env.str("PAT_MODEL_ID", default="PAT-L")
PAT_BATCH_SIZE = env.int("PAT_BATCH_SIZE", default=32)
PAT_MAX_SEQUENCE_LENGTH = env.int("PAT_MAX_SEQUENCE_LENGTH", default=1120)
PAT_ENGINE = env.str("PAT_ENGINE", default="")
PAT_THREADS = env.int("PAT_THREADS", default=1)
PAT_AWS_REGION = env.str("PAT_AWS_REGION", default="") or AWS_REGION
PAT_BEDROCK_MODEL_MAPPING = env.str("PAT_BEDROCK_MODEL_MAPPING", default="")
PAT_BEDROCK_BUCKET = env.str("PAT_BEDROCK_BUCKET", default="")
PAT_BEDROCK_TABLE = env.str("PAT_BEDROCK_TABLE", default="")
PAT_BEDROCK_KMS_KEY_ID = env.str("PAT_BEDROCK_KMS_KEY_ID", default="")
PAT_BEDROCK_ENDPOINT = env.str("PAT_BEDROCK_ENDPOINT", default="")
# Notes
NOTES_PROVIDER = env.str("NOTES_PROVIDER", default="grounded")
NOTES_OPENAI_URL = env.str("NOTES_OPENAI_URL", default="https://api.openai.com/v1")
OPENAI_API_KEY = env.str("OPENAI_API_KEY", default="")
MENTALLAMA_MODEL_MAPPINGS = env.str("MENTALLAMA_MODEL_MAPPINGS", default="")
NOTES_BEDROCK_ENDPOINT = env.str("NOTES_BEDROCK_ENDPOINT", default="")
NOTE_FORMATS_DIR = env.str("NOTE_FORMATS_DIR", default="")
ANALYZE_WAIT_S = env.float("ANALYZE_WAIT_S", default=5)
# Rules about genes and drugs of the clinic's own, in place of those that come with Novamind
PGX_RULES_FILE = env.str("PGX_RULES_FILE", default="")
PAT_WEIGHTS_DIR = Path(env.str("PAT_WEIGHTS_DIR", default=str(DATA_DIR / "models")))
XGBOOST_TREATMENT_RESPONSE_MODEL_PATH = env.str("XGBOOST_TREATMENT_RESPONSE_MODEL_PATH", default="")
XGBOOST_OUTCOME_PREDICTION_MODEL_PATH = env.str("XGBOOST_OUTCOME_PREDICTION_MODEL_PATH", default="")
XGBOOST_RISK_PREDICTION_MODEL_PATH = env.str("XGBOOST_RISK_PREDICTION_MODEL_PATH", default="")
# False alerts the clinic accepts of one patient in three months when a twin says that something has changed.
CHANGE_ALERT_LOAD = env.float("CHANGE_ALERT_LOAD", default=0.5)
if not 0.01 <= CHANGE_ALERT_LOAD <= 10:
    raise ImproperlyConfigured("CHANGE_ALERT_LOAD is a number of alerts per patient and three months, 0.01 to 10")

# What leaves for people, and what a patient reads who may be in danger
globals().update(messages(env, hardened=HARDENED, region=AWS_REGION))

# Language and time: everything is stored in UTC; a patient has a zone, else the clinic's
LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
CLINIC_TIME_ZONE = env.str("CLINIC_TIME_ZONE", default="Europe/Oslo")
# Logs: ids only. Request lines of the web server carry paths, and paths carry UUIDs.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"phi": {"()": "novamind.phi.logs.SanitizingFilter"}},
    "formatters": {"line": {"()": "novamind.phi.logs.LineFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["phi"]}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        "django.request": {"level": "ERROR"},
    },
}
LOG_SECRETS = re.compile(
    r"(?i)(password|token|secret|authorization|cookie|sessionid)[\"']?\s*[=:]\s*(?:(?:bearer|basic|token)\s+)?\S+"
)
ADMINS_ALERT_LOGGER = "novamind.alerts"
AUDITLOG_DISABLE_REMOTE_ADDR = True  # auditlog trusts X-Forwarded-For; our own receiver fills the address
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]  # its backend is left out on purpose: grants are read by visible_to alone

if HARDENED:
    refuse_unsafe(globals())
