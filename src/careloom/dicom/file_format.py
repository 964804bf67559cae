"""Reads a DICOM file's bytes into a data set, within bounds. Runs inside the sandbox.

https://dicom.nema.org/medical/dicom/current/output/chtml/part10/chapter_7.html
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pydicom
from pydicom import config
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from careloom.dicom.limits import DicomLimits, Refused

config.settings.reading_validation_mode = config.IGNORE
_LONG_VR = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
_MAX_META_BYTES = 64 << 10
_PREFIX = 132
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00")
_BIG_ENDIAN_GROUP = b"\x00\x08"


def read_file(data: bytes, limits: DicomLimits) -> Dataset:
    """Return the data set with its file meta information; raises `Refused` with the reason."""
    if not data:
        raise Refused("The file is empty")
    if len(data) > limits.max_bytes:
        raise Refused(f"The file is larger than {limits.max_bytes} bytes", failure=0xA700)
    has_prefix = data[128:_PREFIX] == b"DICM"
    if not has_prefix and not looks_like_data_set(data):
        raise Refused("It is not a DICOM file: no DICM prefix, and no data set at its start")
    if has_prefix:
        data = inflate(data, limits)
    try:
        return _read(data, limits, force=not has_prefix)
    except Refused:
        raise
    except RecursionError as error:
        raise Refused(f"Sequences are nested deeper than {limits.max_depth} levels") from error
    except MemoryError as error:
        raise Refused("Reading it takes more memory than is allowed", failure=0xA700) from error
    # A broken file surfaces as any exception of the parser; its text may quote values.
    except Exception as error:
        raise Refused(f"The data set cannot be parsed ({type(error).__name__})") from error


def _read(data: bytes, limits: DicomLimits, *, force: bool) -> Dataset:
    seen = 0

    def too_many(tag: int, vr: str | None, length: int) -> bool:
        nonlocal seen
        seen += 1
        if seen > limits.max_elements:
            raise Refused(f"The data set has more than {limits.max_elements} elements")
        return False

    dataset: Dataset = read_partial(BytesIO(data), too_many, force=force)
    if not len(dataset):
        raise Refused("The data set has no elements")
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        syntax = pydicom.uid.ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        dataset.file_meta.TransferSyntaxUID = syntax if little else pydicom.uid.ExplicitVRBigEndian
    return dataset


def looks_like_data_set(data: bytes) -> bool:
    """True when the bytes begin as a data set without preamble clearly would.

    The first element is of group 0002 or 0008 (either byte order) with a plausible length.
    """
    if len(data) < 16:
        return False
    group, vr = data[:2], data[4:6]
    if group == _BIG_ENDIAN_GROUP:
        return bool(vr.isalpha() and vr.isupper())
    if group not in _FIRST_GROUPS:
        return False
    if vr.isalpha() and vr.isupper():
        return True
    element, length = struct.unpack_from("<HI", data, 2)
    return bool(element <= 0x3002 and length <= min(len(data), 1024))


def inflate(data: bytes, limits: DicomLimits) -> bytes:
    """Undo the Deflated transfer syntax under a cap, as plain Explicit VR Little Endian.

    pydicom inflates without a bound, so a small file could fill the memory.
    """
    syntax, start = transfer_syntax(data)
    if syntax != DeflatedExplicitVRLittleEndian:
        return data
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = engine.decompress(data[start:], limits.max_inflated_bytes)
    except zlib.error as error:
        raise Refused("The deflated data set is damaged") from error
    if engine.unconsumed_tail:
        raise Refused(
            f"The data set inflates to more than {limits.max_inflated_bytes} bytes", failure=0xA700
        )
    if not engine.eof:
        raise Refused("The deflated data set is cut short")
    uid = ExplicitVRLittleEndian.encode() + b"\0"
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(meta))
    return data[:_PREFIX] + length + meta + plain


def transfer_syntax(data: bytes) -> tuple[str, int]:
    """The transfer syntax UID of the file meta information ("" if absent), and where it ends."""
    at, syntax = _PREFIX, ""
    end = min(len(data), _PREFIX + _MAX_META_BYTES)
    while at + 8 <= end and data[at : at + 2] == b"\x02\x00":
        element, vr, length = struct.unpack_from("<H2sH", data, at + 2)
        body = at + 8
        if vr.decode("latin-1") in _LONG_VR:
            if at + 12 > end:
                break
            (length,) = struct.unpack_from("<I", data, at + 8)
            body = at + 12
        if body + length > end:
            break
        if element == 0x10:
            syntax = data[body : body + length].rstrip(b"\0 ").decode("latin-1")
        at = body + length
    return syntax, at
