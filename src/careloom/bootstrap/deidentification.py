"""Builds what makes de-identified copies of studies."""

from __future__ import annotations

from contextlib import AsyncExitStack

from careloom.bootstrap.ai_redaction import descriptor_cleaner
from careloom.dicom.archive import DicomArchive
from careloom.dicom.deidentify.copying import Copying
from careloom.dicom.deidentify.studies import Deidentifications
from careloom.identity.peppers import Peppers
from careloom.store.database import Database
from careloom.store.keys import Keyring


def build_deidentifications(
    db: Database, keyring: Keyring, archive: DicomArchive, stack: AsyncExitStack
) -> Deidentifications:
    """The service; its process starts with the first object and ends with the house."""
    peppers = Peppers(db, keyring)
    made = Deidentifications(db, archive, Copying(descriptor_cleaner()), peppers.ensure)
    stack.push_async_callback(made.close)
    return made
