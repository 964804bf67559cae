"""Links by which somebody without a key fills one form: `frm_<tenant>_<link>_<secret>`.

The tenant stands inside, so that it comes from the credential; the secret has 256 bits, and only
its SHA-256 is kept. A link opens one form, until it expires or the form has been completed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from careloom.types import JsonObject

_PATTERN = re.compile(
    r"frm_([A-Za-z0-9][A-Za-z0-9_-]{0,62})_([0-9a-f]{16})_([0-9a-f]{64})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class LinkToken:
    """The parts of a token; the secret never appears in a repr."""

    tenant: str
    link_id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The whole token, as it stands in the link."""
        return f"frm_{self.tenant}_{self.link_id}_{self.secret}"

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.secret.encode()).digest()

    def opens(self, digest: bytes) -> bool:
        """Whether the kept hash is that of this secret."""
        return hmac.compare_digest(self.digest, digest)

    def row(self, filler: str, expires: datetime) -> JsonObject:
        """What is kept of it."""
        return {
            "id": self.link_id,
            "hash": self.digest.hex(),
            "filler": filler,
            "expires": expires.isoformat(),
        }


def new_link(tenant: str) -> LinkToken:
    """A new token for a tenant."""
    return LinkToken(tenant, secrets.token_hex(8), secrets.token_hex(32))


def parse_link(text: str) -> LinkToken | None:
    """The parts of a token; None when it is none."""
    found = _PATTERN.fullmatch(text)
    return None if found is None else LinkToken(found[1], found[2], found[3])
