"""A server that speaks OpenAI's chat completions: OpenAI's own, or one of the clinic's."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import requests
from django.conf import settings

from insights.notes.providers import (
    CONNECT_S,
    MOST_TOKENS,
    READ_S,
    TRIES,
    Asked,
    Unavailable,
    Unconfigured,
    text_of,
    through,
)
from novamind.hardening import is_private_road

#: Seconds between tries; those of a server's Retry-After are not waited for, a worker has other things to do.
PAUSES_S: Final = (0.5, 2.0)
TOTAL_S: Final = 45.0
MOST_BYTES: Final = 1024 * 1024


class OpenAi:
    """Asks ``NOTES_OPENAI_URL`` for sentences; busy or failing servers are asked again, others at once given up."""

    name, outside = "openai", True

    def __init__(self, model: str) -> None:
        self.model, self._url, self._key = model, settings.NOTES_OPENAI_URL.rstrip("/"), settings.OPENAI_API_KEY
        if not is_private_road(self._url):
            raise Unconfigured("NOTES_OPENAI_URL is no https address")
        if not self._key:
            raise Unconfigured("OPENAI_API_KEY is empty")

    def draft(self, asked: Asked) -> str:
        """As :meth:`insights.notes.providers.Provider.draft`."""
        return through(self._url, lambda: self._ask(asked))

    def _ask(self, asked: Asked) -> str:
        body = {
            "model": self.model,
            "messages": [{"role": "system", "content": asked.system}, {"role": "user", "content": asked.prompt}],
            "temperature": 0,
            "max_tokens": MOST_TOKENS,
        }
        until, why = time.monotonic() + TOTAL_S, ""
        for pause in (0.0, *PAUSES_S)[:TRIES]:
            time.sleep(pause)
            left = until - time.monotonic()
            if left <= 0:
                break
            try:
                answer = self._post(body, min(READ_S, left))
            except requests.RequestException as error:
                why = type(error).__name__
                continue
            if answer is not None:
                return answer
            why = "busy"
        raise Unavailable(f"no answer ({why})")

    def _post(self, body: dict[str, Any], read_s: float) -> str | None:
        """The text; ``None`` where another try may help."""
        with requests.post(
            f"{self._url}/chat/completions", json=body, timeout=(CONNECT_S, read_s), stream=True, allow_redirects=False,
            headers={"Authorization": f"Bearer {self._key}"},
        ) as response:  # fmt: skip
            if response.status_code == 429 or response.status_code >= 500:
                return None
            if response.status_code != 200:
                raise Unavailable(f"status {response.status_code}")
            content = response.raw.read(MOST_BYTES + 1, decode_content=True)
        if len(content) > MOST_BYTES:
            raise Unavailable("the answer is too large")
        try:
            return text_of(json.loads(content)["choices"][0]["message"]["content"])
        except (ValueError, LookupError, TypeError):
            raise Unavailable("the answer has another form") from None
