"""read_document: bytes of a referral → text, parsed in processes that may die without harm.

Two kinds of process are kept: one that reads text layers, one that reads pictures (its models take
a second to load, on the first scan). Each is started on demand, bounded in memory and processor
time, killed when a request overruns, and replaced.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from careloom import errors
from careloom.documents.document import (
    PDF,
    TEXT,
    Document,
    Limits,
    Line,
    Page,
    decode_text,
    sniff,
)
from careloom.errors import CareloomError, InvalidInput, TooLarge, Unprocessable
from careloom.types import JsonObject

REPLACED_AFTER = 500
"""Documents that one process reads before a fresh one takes over: bounds any slow growth."""


class ReadingProcess:
    """One child process; a lock lets one request in at a time."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._served = 0

    def ask(self, request: JsonObject, data: bytes, seconds: float) -> JsonObject:
        """Send a request and wait for the answer. Raises what the child names, or TooLarge."""
        with self._lock:
            if self._served >= REPLACED_AFTER:
                self._stop()
            overran = threading.Event()
            reply = b""
            with contextlib.suppress(BrokenPipeError):
                child = self._running()
                timer = threading.Timer(seconds, self._kill, (child, overran))
                timer.daemon = True
                timer.start()
                try:
                    reply = self._exchange(child, request, data)
                finally:
                    timer.cancel()
            self._served += 1
            if not reply:
                code = self._stop()
                raise _death(overran.is_set(), code, seconds, self._memory)
        answer: JsonObject = json.loads(reply)
        if "error" in answer:
            raise _named(answer["error"])
        result: JsonObject = answer["result"]
        return result

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            package = str(Path(__file__).resolve().parents[2])
            # No secret of the parent's environment reaches the parser.
            environment = {k: v for k, v in os.environ.items() if k in _KEPT}
            environment["PYTHONPATH"] = os.pathsep.join(
                [package, *filter(None, [os.environ.get("PYTHONPATH")])]
            )
            environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            self._child = subprocess.Popen(
                [sys.executable, "-m", "careloom.documents.reading_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                close_fds=True,
                start_new_session=True,
            )
            self._served = 0
            self._exchange(self._child, {"what": "bound", "memory": self._memory}, b"")
        return self._child

    @staticmethod
    def _exchange(child: subprocess.Popen[bytes], request: JsonObject, data: bytes) -> bytes:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(request | {"length": len(data)}).encode() + b"\n" + data)
        child.stdin.flush()
        return child.stdout.readline()

    @staticmethod
    def _kill(child: subprocess.Popen[bytes], overran: threading.Event) -> None:
        overran.set()
        child.kill()

    def _stop(self) -> int | None:
        child, self._child = self._child, None
        if child is None:
            return None
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return child.wait()


_KEPT = frozenset({"PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH"})


def _named(error: JsonObject) -> CareloomError:
    kind = getattr(errors, str(error["kind"]), Unprocessable)
    made: CareloomError = kind(error["message"], code=error["code"], fix=error["fix"])
    return made


def _death(overran: bool, code: int | None, seconds: float, memory: int) -> CareloomError:
    # -9 without our timer and -24 are the kernel's limits; anything else is a crash of the parser.
    if overran or code == -24:
        return TooLarge(
            f"Reading the document, or a page of it, takes longer than {seconds:g} s.",
            code="document_too_costly",
            fix="Send it again when the machine is less busy, or as a plainer or smaller file.",
        )
    if code == -9:
        return TooLarge(
            f"Reading the document needs more memory than the {memory >> 20} MiB that are allowed,"
            " or than the machine has.",
            code="document_too_costly",
            fix="Send the letter as a plainer or smaller file.",
        )
    return Unprocessable(
        "The document makes the parser fail.",
        code="document_unreadable",
        fix="Export the letter again and send the new file.",
    )


class DocumentReader:
    """Reads documents under limits. Build one per server process; `close` ends its children."""

    def __init__(self, limits: Limits | None = None, *, ocr_processes: int = 2) -> None:
        self.limits = limits or Limits()
        self._text = ReadingProcess(self.limits.memory)
        self._images = [ReadingProcess(self.limits.memory) for _ in range(ocr_processes)]
        # Last in, first out: a second process is only started when the first is busy.
        self._idle: queue.LifoQueue[ReadingProcess] = queue.LifoQueue()
        for process in reversed(self._images):
            self._idle.put(process)

    async def read(self, data: bytes) -> Document:
        """The document's text.

        Raises UnsupportedMediaType (not a PDF, image or text), InvalidInput (empty, encrypted or
        broken), TooLarge (beyond a limit) and Unprocessable (the parser failed).
        """
        if not data:
            raise InvalidInput(
                "The file is empty.", code="document_empty", fix="Send the letter itself."
            )
        if len(data) > self.limits.size:
            raise TooLarge(
                f"The file is larger than {self.limits.size} bytes.",
                code="document_too_large",
                fix="Send a smaller file.",
            )
        content_type = sniff(data)
        if content_type == TEXT:
            return self._plain(data)
        return await asyncio.to_thread(self._read_bounded, content_type, data)

    def close(self) -> None:
        """End the reading processes."""
        self._text.close()
        for process in self._images:
            process.close()

    def _plain(self, data: bytes) -> Document:
        text = decode_text(data).replace("\r\n", "\n").replace("\r", "\n")
        if len(text) > self.limits.characters:
            raise TooLarge(
                f"The text has more than {self.limits.characters} characters.",
                code="too_much_text",
                fix="Send the letter without its enclosures.",
            )
        pages = text.split("\f")
        return Document(TEXT, tuple(Page(i, t, "text") for i, t in enumerate(pages, 1)))

    def _read_bounded(self, content_type: str, data: bytes) -> Document:
        if content_type != PDF:
            seconds = self.limits.ocr_seconds * 3
            pages = self._pictures(content_type, data, [], seconds)
            return Document(content_type, tuple(_ocr_page(i, p) for i, p in enumerate(pages, 1)))
        seconds = self.limits.text_seconds
        request = {"what": "text", "limits": asdict(self.limits), "seconds": seconds}
        found = self._text.ask(request, data, seconds)["pages"]
        indexes = [i for i, page in enumerate(found) if page["image"]]
        if len(indexes) > self.limits.ocr_pages:
            raise TooLarge(
                f"The PDF has {len(indexes)} pages without text; the limit is "
                f"{self.limits.ocr_pages}.",
                code="too_many_pages",
                fix="Send the letter without its enclosures.",
            )
        read: dict[int, JsonObject] = {}
        if indexes:
            seconds = self.limits.ocr_seconds * len(indexes) + 10
            read = dict(zip(indexes, self._pictures(PDF, data, indexes, seconds), strict=True))
        return Document(
            PDF,
            tuple(
                _ocr_page(i + 1, read[i])
                if i in read
                else Page(i + 1, page["text"], "text" if page["text"].strip() else "empty")
                for i, page in enumerate(found)
            ),
        )

    def _pictures(
        self, content_type: str, data: bytes, indexes: list[int], seconds: float
    ) -> list[JsonObject]:
        request = {
            "what": "images",
            "content_type": content_type,
            "indexes": indexes,
            "limits": asdict(self.limits),
            "seconds": seconds,
            "threads": 1,
        }
        process = self._idle.get()
        try:
            pages: list[JsonObject] = process.ask(request, data, seconds)["pages"]
        finally:
            self._idle.put(process)
        return pages


def _ocr_page(number: int, page: JsonObject) -> Page:
    lines = tuple(Line(text, value) for text, value in page["lines"])
    return Page(
        number, page["text"], "ocr" if page["text"].strip() else "empty", page["confidence"], lines
    )


_readers: dict[Limits, DocumentReader] = {}


async def read_document(data: bytes, *, limits: Limits | None = None) -> Document:
    """Read with this process' own reader (see DocumentReader.read)."""
    chosen = limits or Limits()
    if chosen not in _readers:
        reader = _readers[chosen] = DocumentReader(chosen)
        atexit.register(reader.close)
    return await _readers[chosen].read(data)
