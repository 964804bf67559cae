"""`careloom dicom deidentify`."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from careloom.bootstrap.ai_redaction import descriptor_cleaner
from careloom.dicom.deidentify.copying import Copying
from careloom.dicom.deidentify.folder import deidentify_folder
from careloom.dicom.deidentify.profile import Options
from careloom.errors import InvalidInput
from careloom.types import JsonObject

_MUCH_BLACKED = 0.05


def register(commands: Any) -> None:
    dicom = commands.add_parser("dicom", help="take the patient out of DICOM images")
    actions = dicom.add_subparsers(dest="action", required=True)
    cleaning = actions.add_parser("deidentify", help="write de-identified copies of a folder")
    cleaning.add_argument("source", type=Path, metavar="IN_FOLDER")
    cleaning.add_argument("target", type=Path, metavar="OUT_FOLDER", help="new or empty")
    cleaning.add_argument(
        "--key-file",
        type=Path,
        required=True,
        help="the secret of the project, 32 bytes or more: the same key gives the same UIDs",
    )
    cleaning.add_argument(
        "--modified-dates", action="store_true", help="keep dates, shifted for each patient"
    )
    cleaning.add_argument(
        "--patient-characteristics", action="store_true", help="keep sex, age, size and weight"
    )
    cleaning.add_argument("--keep-uids", action="store_true", help="keep the UIDs")
    cleaning.add_argument(
        "--clean-pixels", action="store_true", help="search every frame for words and black them"
    )
    cleaning.add_argument(
        "--clean-descriptors", action="store_true", help="keep descriptions without names"
    )
    cleaning.add_argument(
        "--safe-private",
        action="store_true",
        help="keep numbers and codes of private attributes that the standard lists",
    )
    cleaning.add_argument("--json", action="store_true", help="one JSON object for each file")
    cleaning.set_defaults(run=_deidentify)


def _deidentify(arguments: argparse.Namespace) -> int:
    return asyncio.run(_deidentifying(arguments))


async def _deidentifying(arguments: argparse.Namespace) -> int:
    try:
        key = arguments.key_file.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"The key of the project cannot be read ({type(error).__name__})", path="--key-file"
        ) from error
    options = Options(
        modified_dates=arguments.modified_dates,
        patient_characteristics=arguments.patient_characteristics,
        uids=arguments.keep_uids,
        clean_pixels=arguments.clean_pixels,
        clean_descriptors=arguments.clean_descriptors,
        safe_private=arguments.safe_private,
    )
    written = refused = 0
    copying = Copying(descriptor_cleaner())
    try:
        async for report in deidentify_folder(
            arguments.source, arguments.target, key, options, copying
        ):
            done = report["outcome"] == "written"
            written, refused = written + done, refused + (not done)
            if arguments.json:
                print(json.dumps(report))
            else:
                _say(report)
    finally:
        await copying.close()
    if not arguments.json:
        print(f"{written} written, {refused} refused")
    return 0 if written and not refused else 1


def _say(report: JsonObject) -> None:
    """What somebody should know of a file: why it was refused, or how much of it is gone."""
    if report["outcome"] != "written":
        fix = f" ({report['fix']})" if report.get("fix") else ""
        print(f"file {report['file']}: refused: {report['reason']}{fix}")
        return
    share = (report.get("pixels") or {}).get("blackedShare") or 0
    if share >= _MUCH_BLACKED:
        print(f"file {report['file']}: written, {share:.0%} of the picture blacked: look at it")
