"""Error reports to Sentry (``SENTRY_DSN``): the type of an error and where it happened, and nothing else.

Sentry's own scrubber knows key names only; so an event is not scrubbed but built again from an allow-list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sentry_sdk
from sentry_sdk.transport import Transport

_OF_EVENT = ("event_id", "timestamp", "level", "platform", "environment", "release", "logger")
_OF_FRAME = ("module", "function", "lineno", "filename", "in_app")


def start(dsn: str, *, environment: str, release: str, transport: type[Transport] | Transport | None = None) -> None:
    """Report unhandled errors and logged errors from now on."""
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=release,
        transport=transport,
        include_local_variables=False,
        include_source_context=False,
        send_default_pii=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_breadcrumb=lambda crumb, hint: None,
        before_send=rebuilt,
        before_send_transaction=lambda event, hint: None,
        traces_sample_rate=0.0,
        auto_session_tracking=False,
        send_client_reports=False,
        # Else Brotli is chosen where something else has brought it (what prints PDFs does): its streams cannot be told
        # from noise, and nobody could look into what left.
        _experiments={"transport_compression_algo": "gzip"},
        server_name="",
    )


def rebuilt(event: Mapping[str, Any], hint: Any) -> dict[str, Any]:
    """A new event with what the lists above name: no message, no values, no request, no user, no variables."""
    hint["attachments"] = []  # they travel beside the event, past any rule about it
    kept = {name: event[name] for name in _OF_EVENT if name in event}
    values = (event.get("exception") or {}).get("values") or []
    kept["exception"] = {"values": [_exception(value) for value in values]}
    return kept


def _exception(value: Mapping[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames") or []
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "stacktrace": {"frames": [{name: frame.get(name) for name in _OF_FRAME} for frame in frames]},
    }
