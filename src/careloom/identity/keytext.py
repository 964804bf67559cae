"""The text of an API key: `clk_<tenant>_<key id>_<secret><checksum>`, and of the key of one FHIR
store, `fhir_key_<key id>_<tenant>_<secret><checksum>`.

The tenant stands inside, so that it comes from the credential and nowhere else. The secret has
190 bits. The checksum lets a scanner, and us, recognise a key without asking the database.
"""

from __future__ import annotations

import re
import secrets
import zlib
from dataclasses import dataclass, field

SCHEME = "clk"
STORE_SCHEME = "fhir_key"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH, _SECRET_LENGTH, _CHECK_LENGTH = 10, 32, 6
_TENANT = r"(?P<tenant>[A-Za-z0-9][A-Za-z0-9_-]{0,62})"
_ID = rf"(?P<id>[0-9A-Za-z]{{{_ID_LENGTH}}})"
_SECRET = rf"(?P<secret>[0-9A-Za-z]{{{_SECRET_LENGTH}}})[0-9A-Za-z]{{{_CHECK_LENGTH}}}"
_PATTERNS = {
    SCHEME: re.compile(rf"{SCHEME}_{_TENANT}_{_ID}_{_SECRET}"),
    STORE_SCHEME: re.compile(rf"{STORE_SCHEME}_{_ID}_{_TENANT}_{_SECRET}"),
}


@dataclass(frozen=True, slots=True)
class KeyText:
    """The parts of a key; the secret never appears in a repr."""

    tenant: str
    key_id: str
    secret: str = field(repr=False)
    scheme: str = SCHEME

    @property
    def prefix(self) -> str:
        """What may be shown after the key was printed once."""
        if self.scheme == STORE_SCHEME:
            return f"{STORE_SCHEME}_{self.key_id}_{self.tenant}"
        return f"{SCHEME}_{self.tenant}_{self.key_id}"

    @property
    def hint(self) -> str:
        """The beginning of a store's key, by which its owner knows it again."""
        return f"{self.scheme}_{self.key_id[:4]}…"

    @property
    def text(self) -> str:
        """The whole key, to be printed once."""
        body = f"{self.prefix}_{self.secret}"
        return body + _checksum(body)


def generate(tenant: str, scheme: str = SCHEME) -> KeyText:
    """A new key for a tenant."""
    return KeyText(tenant, _random(_ID_LENGTH), _random(_SECRET_LENGTH), scheme)


def parse(text: str) -> KeyText | None:
    """The parts of a key, or None when the text is no key (form or checksum)."""
    for scheme, pattern in _PATTERNS.items():
        found = pattern.fullmatch(text)
        if found is not None and _checksum(text[:-_CHECK_LENGTH]) == text[-_CHECK_LENGTH:]:
            return KeyText(found["tenant"], found["id"], found["secret"], scheme)
    return None


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), []
    for _ in range(_CHECK_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
