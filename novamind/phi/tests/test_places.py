"""The search of places reads what Redis and the broker really hold."""

from __future__ import annotations

import base64
import json
from uuid import uuid4

import pytest
from django.conf import settings

from novamind.phi import places


def packed(text):
    """As kombu packs a message."""
    return json.dumps({"body": base64.b64encode(json.dumps([[text], {}]).encode()).decode()})


@pytest.fixture
def client():
    if not settings.CACHE_URL:
        pytest.skip("needs Redis")
    import redis

    client, before = redis.Redis.from_url(settings.CACHE_URL), f"test-{uuid4()}"
    yield client, before
    for key in client.scan_iter(f"*{before}*"):
        client.delete(key)


PLANTED = {
    "a key": lambda redis, key, text: redis.set(f"{text} {key}", "1"),
    "a value": lambda redis, key, text: redis.set(key, text),
    "a list": lambda redis, key, text: redis.rpush(key, "1", text),
    "a set": lambda redis, key, text: redis.sadd(key, text),
    "a sorted set": lambda redis, key, text: redis.zadd(key, {text: 1}),
    "a field": lambda redis, key, text: redis.hset(key, text, "1"),
    "a field's value": lambda redis, key, text: redis.hset(key, "1", text),
    "a packed message": lambda redis, key, text: redis.rpush(key, packed(text)),
}


@pytest.mark.parametrize("where", PLANTED)
def test_what_stands_in_redis_is_read(client, where):
    name = f"Zqxlast {uuid4()}"
    assert not [text for _, text in places.cached() if name in text]
    PLANTED[where](*client, name)
    assert [place for place, text in places.cached() if name in text]


def test_a_packed_message_in_the_brokers_folder_is_opened(settings, tmp_path):
    settings.BROKER_DIR = tmp_path
    (tmp_path / "1.msg").write_text(packed("Zqxlast Zqxfirst"), encoding="utf-8")
    assert [place for place, text in places.broker_messages() if "Zqxlast Zqxfirst" in text] == ["broker"]
