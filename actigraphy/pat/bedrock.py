"""PAT behind Amazon Bedrock: an imported model that takes weeks and gives embeddings.

What leaves are weeks in standard deviations, without name, date or id, in an order that only the caller knows. They are
health information all the same: the account needs a business associate agreement, and the bucket and the table are the
clinic's own, encrypted with its key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import uuid4

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from actigraphy.pat.breaker import Breaker
from actigraphy.pat.errors import InvalidConfiguration, InvalidRequest, ServiceUnavailable
from actigraphy.science.pat.architecture import EMBEDDING
from actigraphy.science.pat.weights import WeightsError
from novamind.clock import now

Floats = NDArray[np.float32]

ANALYSIS_TYPES: Final = ("sleep", "activity", "mood", "anomaly_detection", "digital_twin_integration")
#: Whose model embeds weeks.
EMBEDS: Final = "digital_twin_integration"
#: Larger bodies go through the bucket; Bedrock takes 25 MB at most.
INLINE_BYTES: Final = 4 * 2**20
_REFUSED: Final = frozenset({"ValidationException", "ModelErrorException"})


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the settings ``PAT_BEDROCK_*`` and ``PAT_AWS_REGION`` say.

    ``model_mapping`` names a model id per analysis type; inputs too large to send go through ``bucket_name`` under
    ``kms_key_id``; every call leaves a line without patient or content in ``table_name``.
    """

    region: str
    model_mapping: Mapping[str, str]
    bucket_name: str
    table_name: str
    kms_key_id: str

    def __post_init__(self) -> None:
        missing = [name for name in self.__slots__ if not getattr(self, name)]
        if missing:
            raise InvalidConfiguration(f"PAT on Bedrock needs {', '.join(missing)}")
        if unknown := sorted(set(self.model_mapping) - set(ANALYSIS_TYPES)):
            raise InvalidConfiguration(f"model_mapping names no analysis type: {', '.join(unknown)}")
        if EMBEDS not in self.model_mapping:
            raise InvalidConfiguration(f"model_mapping names no model for {EMBEDS}")


def configuration() -> Configuration:
    """From the settings; :class:`InvalidConfiguration` names what is missing."""
    try:
        mapping = json.loads(settings.PAT_BEDROCK_MODEL_MAPPING or "{}")
    except ValueError:
        raise InvalidConfiguration("PAT_BEDROCK_MODEL_MAPPING is not JSON") from None
    if not isinstance(mapping, dict) or not all(isinstance(model, str) for model in mapping.values()):
        raise InvalidConfiguration("PAT_BEDROCK_MODEL_MAPPING maps analysis types to model ids")
    return Configuration(
        region=settings.PAT_AWS_REGION,
        model_mapping=mapping,
        bucket_name=settings.PAT_BEDROCK_BUCKET,
        table_name=settings.PAT_BEDROCK_TABLE,
        kms_key_id=settings.PAT_BEDROCK_KMS_KEY_ID,
    )


class BedrockPat:
    """Embeds weeks by an imported model; tried again by botocore, left alone by a breaker when it goes on failing.

    Parameters
    ----------
    weights_sha256 : str
        Of the weights that are registered; the answer must name the same.
    """

    def __init__(self, weights_sha256: str) -> None:
        self.weights_sha256, self.configuration = weights_sha256, configuration()

    def embed(self, weeks: Floats) -> Floats:
        """As :meth:`actigraphy.pat.providers.Pat.embed`; raises :class:`WeightsError` for other weights than ours."""
        if not len(weeks):
            return np.empty((0, EMBEDDING), np.float32)
        body = _body(weeks)
        answer = self._answer(body, len(weeks))
        if answer.get("weights_sha256") != self.weights_sha256:
            raise WeightsError("wrong_hash", f"Bedrock serves {str(answer.get('weights_sha256'))[:64]}")
        embeddings = np.asarray(answer.get("embeddings"), dtype=np.float32)
        if embeddings.shape != (len(weeks), EMBEDDING) or not np.isfinite(embeddings).all():
            raise ServiceUnavailable("the answer is not one embedding per week")
        return embeddings

    def _answer(self, body: bytes, weeks: int) -> dict[str, Any]:
        breaker = _breaker(self.configuration.region)
        if not breaker.lets_through():
            raise ServiceUnavailable("it failed several times; it is tried again in a while")
        started, status = time.monotonic(), "failed"
        try:
            answer = self._invoke(body)
            breaker.succeeded()
            status = "ok"
        except InvalidRequest:
            breaker.succeeded()  # it answered
            status = "refused"
            raise
        except ServiceUnavailable:
            breaker.failed()
            raise
        finally:
            self._note(body, weeks, status, time.monotonic() - started)
        return answer

    def _invoke(self, body: bytes) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        model = self.configuration.model_mapping[EMBEDS]
        parked = None
        try:
            if len(body) > INLINE_BYTES:
                parked = self._park(body)
                body = json.dumps({"s3": {"bucket": self.configuration.bucket_name, "key": parked}}).encode()
            answer = _client("bedrock-runtime", self.configuration.region).invoke_model(
                modelId=model, body=body, contentType="application/json", accept="application/json"
            )
            said: dict[str, Any] = json.loads(answer["body"].read())
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise InvalidRequest(code) if code in _REFUSED else ServiceUnavailable(code) from None
        except (BotoCoreError, ValueError) as error:
            raise ServiceUnavailable(type(error).__name__) from None
        finally:
            if parked is not None:
                self._remove(parked)
        if not isinstance(said, dict):
            raise ServiceUnavailable("the answer is no object")
        return said

    def _park(self, body: bytes) -> str:
        key = f"pat/{uuid4()}"
        _client("s3", self.configuration.region).put_object(
            Bucket=self.configuration.bucket_name,
            Key=key,
            Body=body,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self.configuration.kms_key_id,
        )
        return key

    def _remove(self, key: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            _client("s3", self.configuration.region).delete_object(Bucket=self.configuration.bucket_name, Key=key)
        except (BotoCoreError, ClientError) as error:
            raise ServiceUnavailable(f"an input could not be removed ({type(error).__name__})") from None

    def _note(self, body: bytes, weeks: int, status: str, seconds: float) -> None:
        """A line for whoever watches the account; that it cannot be written stops nothing."""
        from botocore.exceptions import BotoCoreError, ClientError

        line = {
            "id": {"S": str(uuid4())},
            "at": {"S": now().isoformat()},
            "model_id": {"S": self.configuration.model_mapping[EMBEDS]},
            "input_sha256": {"S": hashlib.sha256(body).hexdigest()},
            "weeks": {"N": str(weeks)},
            "status": {"S": status},
            "duration_ms": {"N": str(round(seconds * 1000))},
        }
        with suppress(BotoCoreError, ClientError):
            _client("dynamodb", self.configuration.region).put_item(TableName=self.configuration.table_name, Item=line)


def _body(weeks: Floats) -> bytes:
    packed = base64.b64encode(np.ascontiguousarray(weeks, dtype="<f4").tobytes()).decode()
    return json.dumps({"analysis_type": EMBEDS, "shape": list(weeks.shape), "weeks": packed}).encode()


@lru_cache(maxsize=4)
def _breaker(region: str) -> Breaker:
    return Breaker()


@lru_cache(maxsize=8)
def _client(service: str, region: str) -> Any:
    import boto3
    from botocore.config import Config

    patience = Config(connect_timeout=3, read_timeout=60, retries={"total_max_attempts": 3, "mode": "standard"})
    return boto3.client(
        service, region_name=region, config=patience, endpoint_url=settings.PAT_BEDROCK_ENDPOINT or None
    )
