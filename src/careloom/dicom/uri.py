"""`dicom://` addresses: `<study>[/<series>[/<instance>]]`, or a bucket and a file's name.

A name is a label in the tenant's own store, never a path: no separators, no `..`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from careloom.dicom.limits import is_uid
from careloom.errors import InvalidInput

_SCHEME = "dicom://"
_BUCKET = re.compile(r"[a-z][a-z0-9-]{0,62}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,127}")


@dataclass(frozen=True, slots=True)
class DicomUri:
    """Either `bucket` and `name`, or `study` with an optional `series` and `instance`."""

    bucket: str | None = None
    name: str | None = None
    study: str | None = None
    series: str | None = None
    instance: str | None = None

    def __str__(self) -> str:
        parts = (self.bucket, self.name, self.study, self.series, self.instance)
        return _SCHEME + "/".join(part for part in parts if part)


def parse_uri(uri: str) -> DicomUri:
    """Read an address; raises `InvalidInput` for any other form, traversal included."""
    if not isinstance(uri, str) or not uri.startswith(_SCHEME):
        raise InvalidInput("A DICOM address begins with dicom://", code="dicom_uri")
    parts = uri[len(_SCHEME) :].split("/")
    if _is_study_address(parts):
        study, series, instance = (*parts, None, None)[:3]
        return DicomUri(study=study, series=series, instance=instance)
    if len(parts) == 2:
        check_name(*parts)
        return DicomUri(bucket=parts[0], name=parts[1])
    raise _wrong()


def _is_study_address(parts: list[str]) -> bool:
    return len(parts) <= 3 and all(is_uid(part) for part in parts)


def check_name(bucket: str, name: str) -> None:
    """Raise `InvalidInput` unless both are plain labels."""
    if not _BUCKET.fullmatch(bucket) or not _NAME.fullmatch(name) or ".." in name:
        raise _wrong()


def _wrong() -> InvalidInput:
    return InvalidInput(
        "The DICOM address is neither dicom://<study>/<series>/<instance> nor"
        " dicom://<bucket>/<name>",
        code="dicom_uri",
        fix="a bucket is lower-case letters, digits and '-'; a name has no '/' and no '..'",
    )
