"""Signatures of incoming webhooks.

Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, the time within five minutes
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
GitHub: HMAC-SHA256 over the body (https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping

from careloom.errors import InvalidInput, Unauthenticated

TOLERANCE_S = 300
PREFIX = "whsec_"
_ID = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_OF_BODY = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
"""The id of a delivery that GitHub's scheme has signed; no message of the other may have one."""
_FIX = "sign id.timestamp.body with the secret of the path, at the time of sending"


def new_secret() -> str:
    """A signing secret of 256 bits in the form of Standard Webhooks."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that sign: what follows `whsec_` is base64, any other secret is taken as it stands.
    Raises InvalidInput for one that is too short or no base64."""
    key = secret.encode()
    if secret.startswith(PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidInput(
                "The secret is not whsec_ and base64",
                path="/secret",
                fix="leave it out, and one is made",
            ) from error
    if len(key) < 16:
        raise InvalidInput(
            "The secret is too short", path="/secret", fix="use at least 16 bytes of random data"
        )
    return key


class BadSignature(Unauthenticated):
    """The delivery does not prove who sent it. `reason` is for the audit trail."""

    default_code = "bad_signature"

    def __init__(self, reason: str) -> None:
        super().__init__("The signature of the webhook is not valid", fix=_FIX)
        self.reason = reason


def verified_id(
    scheme: str, headers: Mapping[str, str], body: bytes, keys: Iterable[bytes], now: float
) -> str:
    """The id of a delivery that one of the keys has signed; raises BadSignature. `now` in seconds
    since 1970."""
    if scheme == "github":
        return _github(headers, body, keys)
    identity = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not _ID.fullmatch(identity) or _OF_BODY.fullmatch(identity):
        raise BadSignature("incomplete")
    if not given or not stamp.isascii() or not stamp.isdigit():
        raise BadSignature("incomplete")
    if len(stamp) > 15 or abs(now - int(stamp)) > TOLERANCE_S:
        raise BadSignature("old_or_early")
    content = f"{identity}.{stamp}.".encode() + body
    offered = [part[3:] for part in given.split(" ")[:20] if part.startswith("v1,")]
    expected = [base64.b64encode(_sign(key, content)).decode() for key in keys]
    if not _any_equal(offered, expected):
        raise BadSignature("wrong_signature")
    return identity


def scheme_of(identity: str) -> str:
    """The scheme that has signed the delivery with this id."""
    return "github" if _OF_BODY.fullmatch(identity) else "standard"


def _github(headers: Mapping[str, str], body: bytes, keys: Iterable[bytes]) -> str:
    """The delivery's own id is not signed, so the body is its id: an equal one is taken once."""
    given = headers.get("x-hub-signature-256", "")
    if not given.startswith("sha256="):
        raise BadSignature("incomplete")
    expected = [_sign(key, body).hex() for key in keys]
    if not _any_equal([given.removeprefix("sha256=")], expected):
        raise BadSignature("wrong_signature")
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _sign(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, hashlib.sha256).digest()


def _any_equal(offered: list[str], expected: list[str]) -> bool:
    """Every pair is compared, so that the time says nothing of which one was nearly right."""
    equal = [
        hmac.compare_digest(one.encode("utf-8", "surrogateescape"), two.encode())
        for one in offered
        for two in expected
    ]
    return any(equal)
