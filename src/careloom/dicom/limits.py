"""What one DICOM file may cost before it is refused."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from careloom.errors import InvalidInput
from careloom.types import JsonObject

UID = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class DicomLimits:
    """Bounds of reading and decoding; bytes, pixels and seconds as named."""

    max_bytes: int = 512 << 20
    max_inflated_bytes: int = 512 << 20
    max_depth: int = 16
    max_elements: int = 100_000
    max_metadata_bytes: int = 16 << 20
    max_pixels_per_frame: int = 100_000_000
    max_frames: int = 1_000_000
    memory_bytes: int = 3 << 30
    """Address space of one sandbox process, the interpreter and its libraries included."""
    cpu_seconds: int = 20
    wall_seconds: float = 30.0

    def to_json(self) -> JsonObject:
        return asdict(self)


class Refused(InvalidInput):
    """A file that the archive does not take; `failure` is the DICOM status that says why.

    https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_I.2.2.html
    """

    default_code = "dicom_refused"

    def __init__(self, reason: str, *, failure: int = 0xC000, fix: str | None = None) -> None:
        super().__init__(reason, fix=fix)
        self.failure = failure


def is_uid(value: str) -> bool:
    """True for the form of a UID: digits and dots, at most 64 characters (PS3.5 chapter 9)."""
    return 0 < len(value) <= 64 and UID.fullmatch(value) is not None
