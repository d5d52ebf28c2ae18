"""A small OpenID provider (Core 1.0, code flow, RFC 7636): a process of its own, or a thread of a test.

It holds its clients to the standard: exact redirect address, one use of each code, PKCE with S256, the client's secret.
``POST /lies`` makes it break the standard from then on, as a broken or hostile one would: ``claims`` to put in place of
its own, ``signed`` "by a stranger" or "with an unknown key", ``id_token`` false.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from hashlib import sha256
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "novamind", "s"  # noqa: S105  (of this provider alone)


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider(ThreadingHTTPServer):
    """One client, one person who is signed in here."""

    def __init__(self, port: int = 0, callback: str = "") -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.key, self.stranger, self.callback = new_key(), new_key(), callback
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.subject, self.broken = "subject-1", False
        self.asked: list[str] = []
        self.lies: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}

    def in_background(self) -> Provider:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def token(self, key: Any = None, kid: str | None = "k1", algorithm: str = "RS256", **changes: Any) -> str:
        """An ID token for our client; ``None`` leaves a claim out."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": self.subject, "iat": now, "exp": now + 300}
        claims = claims | {"amr": ["pwd", "mfa"]} | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, key or self.key, algorithm=algorithm, headers={"kid": kid} if kid else None)

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the person goes back to who agrees.

        Raises
        ------
        ValueError
            The client asked for what it may not have.
        """
        if asked.get("client_id") != CLIENT or (self.callback and asked.get("redirect_uri") != self.callback):
            raise ValueError("unknown client or redirect address")
        wanted = (asked.get("response_type"), asked.get("code_challenge_method"))
        if wanted != ("code", "S256") or "openid" not in asked["scope"].split():
            raise ValueError("only the code flow of OpenID Connect with S256")
        code = token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def exchange(self, sent: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(sent.get("code", ""), None)
        if (sent.get("client_id"), sent.get("client_secret")) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        if asked is None or sent.get("redirect_uri") != asked["redirect_uri"] or not _is_proven(sent, asked):
            return 400, {"error": "invalid_grant"}
        answer = {"access_token": token_urlsafe(16), "token_type": "Bearer", "expires_in": 60}
        if self.lies.get("id_token", True):
            answer["id_token"] = self._id_token({"nonce": asked.get("nonce")} | self.lies.get("claims", {}))
        return 200, answer

    def _id_token(self, claims: dict[str, Any]) -> str:
        match self.lies.get("signed"):
            case "by a stranger":
                return self.token(key=self.stranger, **claims)
            case "with an unknown key":
                return self.token(key=self.stranger, kid="k2", **claims)
            case "with the secret of the client":
                return self.token(key=SECRET.ljust(32, "s"), algorithm="HS256", **claims)
        return self.token(**claims)


def _is_proven(sent: dict[str, str], asked: dict[str, str]) -> bool:
    challenge = base64.urlsafe_b64encode(sha256(sent.get("code_verifier", "").encode()).digest())
    return challenge.decode().rstrip("=") == asked["code_challenge"]


class Handler(BaseHTTPRequestHandler):
    """HTTP for the above."""

    server: Provider

    def do_GET(self) -> None:
        server, url = self.server, urlsplit(self.path)
        server.asked.append(url.path)
        public = jwt.algorithms.RSAAlgorithm.to_jwk(server.key.public_key(), as_dict=True)
        ends = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
        documents = {
            "/.well-known/openid-configuration": {
                f"{name}_endpoint": f"{server.issuer}/{at}" for name, at in ends.items()
            }
            | {"issuer": server.issuer, "jwks_uri": f"{server.issuer}/keys"},
            "/keys": {"keys": [public | {"kid": "k1", "use": "sig", "alg": "RS256"}]},
            "/userinfo": {"sub": "subject-of-another", "email": "psychiatrist@clinic.test", "name": "Zqxname"},
        }
        if url.path == "/authorize":
            hidden = "".join(
                f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
                for name, value in parse_qsl(url.query)
            )
            page = f'<!doctype html><title>Provider</title><form method="post" action="/authorize">{hidden}'
            self.answer(200, (page + "<button>I am subject-1</button></form>").encode(), "text/html; charset=utf-8")
        else:
            self.answer(500 if server.broken else 200, json.dumps(documents.get(url.path, {})).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = {name: values[0] for name, values in parse_qs(body).items()}
        self.server.asked.append(self.path)
        if self.path == "/lies":
            self.server.lies = json.loads(body)
            self.answer(200, b"{}")
        elif self.path == "/token":
            status, answer = self.server.exchange(sent)
            self.answer(status, json.dumps(answer).encode())
        else:
            try:
                self.answer(302, b"", location=self.server.authorize(sent))
            except ValueError as error:
                self.answer(400, str(error).encode())

    def answer(self, status: int, content: bytes, kind: str = "application/json", location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


if __name__ == "__main__":
    Provider(int(sys.argv[1]), sys.argv[2]).serve_forever()
