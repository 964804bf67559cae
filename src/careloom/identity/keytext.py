"""The text of an API key: `clk_<tenant>_<key id>_<secret><checksum>`.

The tenant stands inside, so that it comes from the credential and nowhere else. The secret has
190 bits. The checksum lets a scanner, and us, recognise a key without asking the database.
"""

from __future__ import annotations

import re
import secrets
import zlib
from dataclasses import dataclass, field

SCHEME = "clk"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH, _SECRET_LENGTH, _CHECK_LENGTH = 10, 32, 6
_PATTERN = re.compile(
    rf"{SCHEME}_([A-Za-z0-9][A-Za-z0-9_-]{{0,62}})_([0-9A-Za-z]{{{_ID_LENGTH}}})"
    rf"_([0-9A-Za-z]{{{_SECRET_LENGTH}}})([0-9A-Za-z]{{{_CHECK_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class KeyText:
    """The parts of a key; the secret never appears in a repr."""

    tenant: str
    key_id: str
    secret: str = field(repr=False)

    @property
    def prefix(self) -> str:
        """What may be shown after the key was printed once."""
        return f"{SCHEME}_{self.tenant}_{self.key_id}"

    @property
    def text(self) -> str:
        """The whole key, to be printed once."""
        body = f"{self.prefix}_{self.secret}"
        return body + _checksum(body)


def generate(tenant: str) -> KeyText:
    """A new key for a tenant."""
    return KeyText(tenant, _random(_ID_LENGTH), _random(_SECRET_LENGTH))


def parse(text: str) -> KeyText | None:
    """The parts of a key, or None when the text is no key (form or checksum)."""
    found = _PATTERN.fullmatch(text)
    if found is None or _checksum(text[:-_CHECK_LENGTH]) != found[4]:
        return None
    return KeyText(found[1], found[2], found[3])


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), []
    for _ in range(_CHECK_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
