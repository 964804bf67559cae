"""De-identifies the files of a folder, each in a bounded process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from careloom.dicom.deidentify.copying import Copying
from careloom.dicom.deidentify.profile import Options
from careloom.dicom.deidentify.pseudonym import LEAST_KEY_BYTES
from careloom.dicom.limits import Refused
from careloom.errors import InvalidInput
from careloom.types import JsonObject


async def deidentify_folder(
    source: Path, target: Path, key: bytes, options: Options, copying: Copying
) -> AsyncIterator[JsonObject]:
    """Write `<study>/<series>/<instance>.dcm` for each file; yields what was done or refused.

    File names may be names of patients: a report counts the files in the order of their paths
    instead of naming them. Raises InvalidInput before anything is written.
    """
    files = await asyncio.to_thread(_checked, source, target, key)
    for number, path in enumerate(files, start=1):
        yield {"file": number, **await _one(path, target, key, options, copying)}


async def _one(
    path: Path, target: Path, key: bytes, options: Options, copying: Copying
) -> JsonObject:
    try:
        data = await asyncio.to_thread(_read, path, copying.max_bytes)
        report, body = await copying.copy(data, key, options)
    except OSError as error:
        return {"outcome": "refused", "reason": f"It cannot be read ({type(error).__name__})"}
    except Refused as refused:
        return {"outcome": "refused", "reason": refused.message, "fix": refused.fix}
    folder = target / report["studyInstanceUid"] / report["seriesInstanceUid"]
    place = folder / f"{report['sopInstanceUid']}.dcm"
    if not await asyncio.to_thread(_write, place, body):
        return {"outcome": "refused", "reason": "An instance with its UID was there before"}
    return {"outcome": "written", **report}


def _checked(source: Path, target: Path, key: bytes) -> list[Path]:
    """The files to read, by path; raises InvalidInput when folders or key will not do."""
    if len(key) < LEAST_KEY_BYTES:
        raise InvalidInput(
            f"The key of the project is shorter than {LEAST_KEY_BYTES} bytes",
            path="--key-file",
            fix="make one: openssl rand -out project.key 32",
        )
    if not source.is_dir():
        raise InvalidInput("The folder to read is not there", path="IN_FOLDER")
    inner, outer = source.resolve(), target.resolve()
    if inner == outer or inner in outer.parents or outer in inner.parents:
        raise InvalidInput(
            "One folder lies in the other",
            path="OUT_FOLDER",
            fix="keep what is de-identified apart from what is not",
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InvalidInput("The folder to write is not empty", path="OUT_FOLDER")
    return sorted(path for path in source.rglob("*") if path.is_file() and not path.is_symlink())


def _read(path: Path, limit: int) -> bytes:
    if path.stat().st_size > limit:
        raise Refused(f"The file is larger than {limit} bytes")
    return path.read_bytes()


def _write(place: Path, body: bytes) -> bool:
    """False when the place is taken."""
    if place.exists():
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(body)
    return True
