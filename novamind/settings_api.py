"""How the API is read, answered and described: the part of the settings in which no machine differs from another."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # First, so that an anonymous caller is answered 401 with a WWW-Authenticate header.
        "novamind.accounts.authentication.TokenAuthentication",
        "novamind.accounts.authentication.IdentityAuthentication",
        "novamind.accounts.authentication.DeviceAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["novamind.parsers.BoundedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "novamind.api.CursorPages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "novamind.api.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Novamind API",
    "DESCRIPTION": "Devices, mobile apps and partner systems. Times are ISO 8601 with an offset.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "DeviceTypeEnum": "actigraphy.serializers.DEVICE_TYPES",
        "ConditionStatusEnum": "patients.models.ClinicalStatus",
        "AppointmentStatusEnum": "patients.models.AppointmentStatus",
        "AppointmentKindEnum": "patients.models.AppointmentKind",
    },
}
