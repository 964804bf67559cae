"""A checkpoint: a signed statement over a stretch of the chain (Ed25519, RFC 8032)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from careloom.audit.signing import SigningKey, key_id
from careloom.types import JsonObject

_BYTES = ("merkle_root", "chain_hash", "previous", "public_key", "signature")
NOTHING = bytes(32)
"""What stands before the first position of a chain and before the first checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Positions from_pos + 1 … pos of a tenant's chain, with the chain's hash at its end."""

    tenant: str
    from_pos: int
    pos: int
    merkle_root: bytes
    chain_hash: bytes
    previous: bytes
    """The digest of the checkpoint before, or 32 zero bytes."""
    at: datetime
    public_key: bytes
    signature: bytes = b""

    def statement(self) -> bytes:
        """The text that is signed: one value a line."""
        lines = (
            "careloom audit checkpoint 1",
            self.tenant,
            str(self.from_pos),
            str(self.pos),
            self.merkle_root.hex(),
            self.chain_hash.hex(),
            self.previous.hex(),
            self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            key_id(self.public_key),
        )
        return "\n".join(lines).encode() + b"\n"

    def digest(self) -> bytes:
        """What the next checkpoint names as its `previous`."""
        return hashlib.sha256(self.statement() + self.signature).digest()

    def signed(self, key: SigningKey) -> Checkpoint:
        """The same with its signature."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return Checkpoint(**{**values, "signature": key.sign(self.statement())})

    def is_signed(self) -> bool:
        """Whether the signature belongs to the statement and the public key."""
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
            key.verify(self.signature, self.statement())
        except (InvalidSignature, ValueError):
            return False
        return True

    def to_json(self) -> JsonObject:
        """One line of the export file."""
        values: JsonObject = {"v": 1, "tenant": self.tenant, "from": self.from_pos, "pos": self.pos}
        values["at"] = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return values | {name: getattr(self, name).hex() for name in _BYTES}

    @classmethod
    def from_json(cls, value: JsonObject) -> Checkpoint:
        """Read such a line; raises ValueError, TypeError or KeyError when it is none."""
        return cls(
            str(value["tenant"]),
            int(value["from"]),
            int(value["pos"]),
            at=datetime.fromisoformat(value["at"]),
            **{name: bytes.fromhex(value[name]) for name in _BYTES},
        )
