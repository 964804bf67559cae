"""The process that reads untrusted files: `python -m careloom.dicom.sandbox_worker`.

It answers jobs on one socket (its standard input), one after the other, until the other side
closes it. Frame: length of the JSON header (4 bytes), length of the data (8), header, data; big
endian. It writes no files and opens no connections.
"""

from __future__ import annotations

import hashlib
import logging
import math
import resource
import socket
import struct
import sys
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import orjson
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from careloom.dicom import index, metadata, pixels
from careloom.dicom.deidentify.descriptors import descriptors
from careloom.dicom.deidentify.instance import deidentify
from careloom.dicom.deidentify.profile import Options
from careloom.dicom.display import Window
from careloom.dicom.file_format import read_file, transfer_syntax
from careloom.dicom.limits import DicomLimits, Refused
from careloom.types import JsonObject

_FRAME = struct.Struct(">IQ")
Answer = tuple[JsonObject, bytes]


def parse(dataset: Dataset, job: JsonObject, limits: DicomLimits) -> Answer:
    """Index values (header) and the JSON model (data) of a file to be stored."""
    model, unreadable = metadata.to_json(dataset, limits)
    columns = index.index(model)
    body = orjson.dumps(model)
    if len(body) > limits.max_metadata_bytes:
        raise Refused(f"Its metadata is larger than {limits.max_metadata_bytes} bytes")
    return {"index": columns, "unreadable": unreadable}, body


def picture(dataset: Dataset, job: JsonObject, limits: DicomLimits) -> Answer:
    """One frame as grey display values."""
    shown = pixels.display(dataset, job["frame"], limits, _window(job))
    grey = shown.luminance()
    return {"rows": grey.shape[0], "columns": grey.shape[1], "colour": shown.colour}, grey.tobytes()


def render(dataset: Dataset, job: JsonObject, limits: DicomLimits) -> Answer:
    """One frame as an encoded picture."""
    shown = pixels.display(dataset, job["frame"], limits, _window(job))
    return {}, pixels.encode(shown, job["kind"], job["quality"], job.get("viewport"))


def frames(dataset: Dataset, job: JsonObject, limits: DicomLimits) -> Answer:
    """Several frames' bytes, decoded or as they are stored, one after the other."""
    if job["native"]:
        found = [pixels.native_frame(dataset, frame, limits) for frame in job["frames"]]
    else:
        found = pixels.encapsulated_frames(dataset, job["frames"], limits)
    return {"sizes": [len(data) for data in found]}, b"".join(found)


def bulk(dataset: Dataset, job: JsonObject, limits: DicomLimits) -> Answer:
    """The value that a BulkDataURI names."""
    try:
        value = metadata.find(dataset, job["path"]).value
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise Refused("The object has no such bulk data") from error
    if isinstance(value, bytes):
        return {}, value
    return {}, (value if isinstance(value, str) else "\\".join(map(str, value))).encode()


def native(dataset: Dataset, job: JsonObject, limits: DicomLimits) -> Answer:
    """The whole object in Explicit VR Little Endian."""
    for number in range(pixels.frame_count(dataset) if "PixelData" in dataset else 0):
        pixels.check_frame(dataset, number, limits)
    out = BytesIO()
    try:
        if dataset.file_meta.TransferSyntaxUID.is_compressed and "PixelData" in dataset:
            dataset.decompress(generate_instance_uid=False)
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.save_as(out, implicit_vr=False, little_endian=True, enforce_file_format=True)
    except MemoryError:
        raise
    # The encoder and decoders raise what they like on broken values.
    except Exception as error:
        raise Refused(f"The object cannot be converted ({type(error).__name__})") from error
    return {}, out.getvalue()


def deidentified(dataset: Dataset, job: JsonObject, limits: DicomLimits) -> Answer:
    """The object without its patient, and what was done; the key is the project's own."""
    report, body = deidentify(
        dataset,
        Options(**job["options"]),
        bytes.fromhex(job["key"]),
        limits,
        texts=job.get("texts"),
        only_first=job.get("only_first", False),
    )
    return {"report": report}, body


def described(dataset: Dataset, job: JsonObject, limits: DicomLimits) -> Answer:
    """The descriptions that are to be cleaned, and what the object says of people (data)."""
    return {}, orjson.dumps(descriptors(dataset, Options(**job["options"])))


_JOBS: dict[str, Callable[[Dataset, JsonObject, DicomLimits], Answer]] = {
    "parse": parse,
    "picture": picture,
    "render": render,
    "frames": frames,
    "bulk": bulk,
    "native": native,
    "deidentify": deidentified,
    "describe": described,
}


def answer(job: JsonObject, data: bytes, limits: DicomLimits) -> Answer:
    """Do one job; a refusal is an answer, and nothing in it quotes the file."""
    try:
        dataset = read_file(data, limits)
        header, body = _JOBS[job["job"]](dataset, job, limits)
        if job["job"] == "parse":
            syntax, start = transfer_syntax(data) if data[128:132] == b"DICM" else ("", 0)
            header["transfer_syntax"] = syntax or str(dataset.file_meta.TransferSyntaxUID)
            header["content_sha256"] = hashlib.sha256(memoryview(data)[start:]).hexdigest()
        return {"ok": True, **header}, body
    except Refused as refused:
        told = {"reason": refused.message, "failure": refused.failure, "fix": refused.fix}
        return {"ok": False, **told}, b""
    except MemoryError:
        return {
            "ok": False,
            "reason": "It takes more memory than is allowed",
            "failure": 0xA700,
        }, b""
    except RecursionError:
        return {"ok": False, "reason": "It is nested too deeply", "failure": 0xC000}, b""
    # Whatever a hostile file provokes must not end the loop with a trace that quotes it.
    except Exception as error:
        reason = f"The file cannot be handled ({type(error).__name__})"
        return {"ok": False, "reason": reason, "failure": 0xC000}, b""


def _window(job: JsonObject) -> Window | None:
    given = job.get("window")
    return Window(given["centre"], given["width"], given["function"]) if given else None


def confine(limits: DicomLimits) -> None:
    """Bound memory for good; no core dumps, no files written, no further processes."""
    if sys.platform != "darwin":  # macOS refuses it; there the retirement by size must do
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def peak_memory() -> int:
    """The most memory this program held, in bytes.

    Linux's ru_maxrss survives exec and so begins with the size of the process that started us;
    VmHWM begins anew.
    """
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def allow_cpu(seconds: int) -> None:
    """Let this process use so many more seconds of processor time before it is killed."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(usage.ru_utime + usage.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _receive(channel: socket.socket, size: int) -> bytes | None:
    buffer = bytearray(size)
    view, got = memoryview(buffer), 0
    while got < size:
        count = channel.recv_into(view[got:])
        if count == 0:
            return None
        got += count
    return bytes(buffer)


def main() -> None:
    """Serve jobs until the socket closes."""
    limits = DicomLimits(**orjson.loads(sys.argv[1]))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    confine(limits)
    with socket.socket(fileno=0) as channel:
        channel.sendall(b"\x01")
        while (prefix := _receive(channel, _FRAME.size)) is not None:
            sizes = _FRAME.unpack(prefix)
            header, data = _receive(channel, sizes[0]), _receive(channel, sizes[1])
            if header is None or data is None:
                return
            allow_cpu(limits.cpu_seconds)
            result, body = answer(orjson.loads(header), data, limits)
            result["rss"] = peak_memory()
            encoded = orjson.dumps(result)
            channel.sendall(_FRAME.pack(len(encoded), len(body)) + encoded)
            channel.sendall(body)
            data = body = b""


if __name__ == "__main__":
    main()
