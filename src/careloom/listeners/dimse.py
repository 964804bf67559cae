"""The DICOM listener: Verification (C-ECHO) and Storage (C-STORE) as SCP.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/chapter_B.html
Who may call is a list of application entities, each bound to a tenant, a store and a principal;
anyone else is rejected at association. A C-STORE is answered with success only after the
instance has committed.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydicom.dataset import Dataset
from pydicom.uid import UID, AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import ThreadedAssociationServer

from careloom.dicom.archive import DicomArchive, ParsedInstance
from careloom.dicom.limits import Refused
from careloom.errors import CareloomError, ConfigurationError, Conflict
from careloom.listeners.dimse_intake import Intake
from careloom.types import JsonObject, Scope

_log = logging.getLogger(__name__)
SUCCESS = 0x0000
DUPLICATE = 0x0111
NOT_AUTHORISED = 0x0124
OUT_OF_RESOURCES = 0xA700
MISMATCH = 0xA900
_IMPLEMENTATION = "2.25.151847352160934573480713642908110457236"
_IMPLEMENTATION_NAME = "CARELOOM"
_MAX_COMMENT = 64


@dataclass(frozen=True, slots=True)
class Caller:
    """What a calling application entity may write to, and as whom it is audited."""

    scope: Scope
    actor: JsonObject


@dataclass(frozen=True, slots=True)
class DimseSettings:
    """Address, titles and bounds; seconds and bytes as named."""

    host: str = "127.0.0.1"
    port: int = 11112
    ae_title: str = "CARELOOM"
    callers: Mapping[str, Caller] = field(default_factory=dict)
    max_associations: int = 16
    max_pdu_bytes: int = 256 << 10
    idle_seconds: float = 60.0
    pdu_seconds: float = 60.0
    store_seconds: float = 120.0


class DimseListener:
    """Serves associations in threads; writing happens in the event loop that started it."""

    def __init__(self, archive: DicomArchive, settings: DimseSettings) -> None:
        self._archive = archive
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: ThreadedAssociationServer | None = None
        self._intakes: dict[int, Intake] = {}
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        """The port that is listened on; useful when 0 was asked for."""
        if self._server is None:
            raise ConfigurationError("The DICOM listener is not started")
        return int(self._server.server_address[1])

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen; raises `ConfigurationError` without callers or when the port is taken.

        pynetdicom reads an empty list of callers as "anyone", so it is never handed one.
        """
        settings = self._settings
        if not settings.callers:
            raise ConfigurationError(
                "The DICOM listener has no calling application entities",
                fix="name those that may call, each with its tenant and store",
            )
        # The library logs what peers send, which may hold patient data.
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
        self._loop = loop
        try:
            self._server = self._entity().start_server(
                (settings.host, settings.port),
                block=False,
                evt_handlers=[
                    (evt.EVT_CONN_OPEN, self._on_open),
                    (evt.EVT_CONN_CLOSE, self._on_close),
                    (evt.EVT_C_ECHO, self._on_echo),
                    (evt.EVT_C_STORE, self._on_store),
                ],
            )
        except OSError as error:
            raise ConfigurationError(
                f"The DICOM listener cannot use {settings.host}:{settings.port}: {error.strerror}",
                fix="free the port, or set CARELOOM_DIMSE_PORT",
            ) from error

    def stop(self) -> None:
        """Stop listening and end all associations; blocks.

        Call it in a thread, not in the loop: handlers still running wait for the loop.
        """
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()

    def _entity(self) -> AE:
        settings = self._settings
        entity = AE(ae_title=settings.ae_title)
        entity.require_called_aet = True
        entity.require_calling_aet = sorted(settings.callers)
        entity.maximum_associations = settings.max_associations
        entity.maximum_pdu_size = settings.max_pdu_bytes
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = settings.idle_seconds
        entity.implementation_class_uid = UID(_IMPLEMENTATION)
        entity.implementation_version_name = _IMPLEMENTATION_NAME
        entity.add_supported_context(Verification)
        for context in AllStoragePresentationContexts:
            if context.abstract_syntax is not None:
                entity.add_supported_context(context.abstract_syntax, list(AllTransferSyntaxes))
        return entity

    def _on_open(self, event: Event) -> None:
        """Put bounds on what the association may send; the library has none."""
        settings = self._settings
        intake = Intake(settings.max_pdu_bytes, self._archive.max_bytes, settings.pdu_seconds)
        intake.attach(event.assoc)
        with self._lock:
            self._intakes[id(event.assoc)] = intake

    def _on_close(self, event: Event) -> None:
        with self._lock:
            self._intakes.pop(id(event.assoc), None)

    def _on_echo(self, event: Event) -> int:
        self._message_done(event)
        return SUCCESS

    def _message_done(self, event: Event) -> None:
        with self._lock:
            intake = self._intakes.get(id(event.assoc))
        if intake is not None:
            intake.message_done()

    def _on_store(self, event: Event) -> Dataset:
        self._message_done(event)
        caller = self._settings.callers.get(event.assoc.requestor.ae_title.strip())
        if caller is None or self._loop is None:
            return _status(NOT_AUTHORISED, "This application entity may not store here")
        meta = event.file_meta
        name = (str(meta.MediaStorageSOPClassUID), str(meta.MediaStorageSOPInstanceUID))
        syntax = str(event.context.transfer_syntax)
        data = part_10(event.encoded_dataset(include_meta=False), *name, syntax)
        work = asyncio.run_coroutine_threadsafe(self._store(caller, data, name), self._loop)
        try:
            return _status(*work.result(self._settings.store_seconds))
        except (TimeoutError, concurrent.futures.CancelledError):
            work.cancel()
            return _status(OUT_OF_RESOURCES, "The archive did not confirm in time; send it again")

    async def _store(self, caller: Caller, data: bytes, name: tuple[str, str]) -> tuple[int, str]:
        """The DIMSE status and comment of one instance."""
        try:
            parsed = await self._archive.parse(data)
            if _name(parsed) != name:
                return MISMATCH, "The data set is not the instance that the command names"
            await self._archive.keep(caller.scope, parsed, data, caller.actor, "dimse")
        except Refused as error:
            return error.failure, error.message
        except Conflict as error:
            return DUPLICATE, error.message
        except CareloomError as error:
            _log.warning("C-STORE not acknowledged: %s", error.code)
            return OUT_OF_RESOURCES, "The archive cannot store now; send it again"
        # The acknowledgement is withheld whatever the cause; the trace has no element values.
        except Exception:
            _log.exception("C-STORE not acknowledged")
            return OUT_OF_RESOURCES, "The archive cannot store now; send it again"
        return SUCCESS, ""


def _name(parsed: ParsedInstance) -> tuple[str, str]:
    return parsed.sop_class, parsed.instance


def _status(code: int, comment: str) -> Dataset:
    answer = Dataset()
    answer.Status = code
    if comment:
        answer.ErrorComment = comment[:_MAX_COMMENT]
    return answer


def part_10(dataset: bytes, sop_class: str, instance: str, transfer_syntax: str) -> bytes:
    """The received data set as a DICOM file; the same data set always gives the same bytes.

    https://dicom.nema.org/medical/dicom/current/output/chtml/part10/chapter_7.html
    """
    version = struct.pack("<HH2sHI", 2, 1, b"OB", 0, 2) + b"\x00\x01"
    values = ((0x02, sop_class), (0x03, instance), (0x10, transfer_syntax), (0x12, _IMPLEMENTATION))
    meta = version + b"".join(_meta(element, b"UI", text, b"\0") for element, text in values)
    meta += _meta(0x13, b"SH", _IMPLEMENTATION_NAME, b" ")
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(meta))
    return b"".join((bytes(128), b"DICM", length, meta, dataset))


def _meta(element: int, vr: bytes, text: str, padding: bytes) -> bytes:
    value = text.encode("ascii", "replace")
    value += padding * (len(value) % 2)
    return struct.pack("<HH2sH", 2, element, vr, len(value)) + value
