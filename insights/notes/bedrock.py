"""Amazon Bedrock's Converse, whichever model the account has; the account needs a business associate agreement."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings

from insights.notes.providers import (
    CONNECT_S,
    MOST_TOKENS,
    READ_S,
    Asked,
    Unavailable,
    Unconfigured,
    text_of,
    through,
)


class Converse:
    """Asks one model for sentences; tried again by botocore, left alone by a breaker when it goes on failing."""

    name, outside = "bedrock", True

    def __init__(self, model: str) -> None:
        self.model, self._region = model, settings.AWS_REGION
        if not self._region:
            raise Unconfigured("AWS_REGION is empty")

    def draft(self, asked: Asked) -> str:
        """As :meth:`insights.notes.providers.Provider.draft`."""
        return through(f"bedrock/{self._region}", lambda: self._ask(asked))

    def _ask(self, asked: Asked) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = _client(self._region, settings.NOTES_BEDROCK_ENDPOINT).converse(
                modelId=self.model,
                system=[{"text": asked.system}],
                messages=[{"role": "user", "content": [{"text": asked.prompt}]}],
                inferenceConfig={"maxTokens": MOST_TOKENS, "temperature": 0},
            )
            said = "\n".join(part["text"] for part in answer["output"]["message"]["content"] if "text" in part)
        except ClientError as error:
            raise Unavailable(error.response["Error"]["Code"]) from None
        except (BotoCoreError, LookupError, TypeError, ValueError) as error:
            raise Unavailable(type(error).__name__) from None
        return text_of(said)


@lru_cache(maxsize=4)
def _client(region: str, endpoint: str) -> Any:
    import boto3
    from botocore.config import Config

    # Two tries of half the time to read: together within what a job may wait for.
    patience = Config(
        connect_timeout=CONNECT_S, read_timeout=READ_S / 2, retries={"total_max_attempts": 2, "mode": "standard"}
    )
    return boto3.client("bedrock-runtime", region_name=region, config=patience, endpoint_url=endpoint or None)
