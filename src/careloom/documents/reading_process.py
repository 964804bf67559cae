"""The process that parses hostile bytes: one request at a time on stdin, the answer on stdout.

Started by reader.ReadingProcess with limits on memory, processor time and open files; it is killed
when it overruns. A request is a JSON line with `length`, then that many bytes; an answer is a JSON
line. Errors carry a kind and a sentence, never content.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from typing import Any, BinaryIO

import pypdfium2

from careloom.documents.pdf_text import lay_out, page_words
from careloom.errors import CareloomError, InvalidInput, TooLarge, Unprocessable
from careloom.types import JsonObject

ENOUGH = 12
"""Fewer visible characters than this on a page with pictures: the page is an image."""
PASSWORD_ERROR = 4
"""FPDF_ERR_PASSWORD of PDFium's fpdfview.h."""


def open_pdf(data: bytes, limits: JsonObject) -> Any:
    """The parsed file. Raises InvalidInput when it is encrypted, broken or without pages."""
    try:
        document = pypdfium2.PdfDocument(data)
        count = len(document)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == PASSWORD_ERROR or "assword" in str(error):
            raise InvalidInput(
                "The PDF is encrypted with a password.",
                code="document_encrypted",
                fix="Send the PDF without a password.",
            ) from None
        raise InvalidInput(
            "The PDF is broken and cannot be opened.",
            code="document_broken",
            fix="Export the letter again and send the new file.",
        ) from None
    if count == 0:
        raise InvalidInput(
            "The PDF has no pages.", code="document_empty", fix="Send the letter itself."
        )
    if count > limits["pages"]:
        raise TooLarge(
            f"The PDF has {count} pages; the limit is {limits['pages']}.",
            code="too_many_pages",
            fix="Send the letter without its enclosures.",
        )
    return document


def read_text_layer(data: bytes, limits: JsonObject) -> JsonObject:
    """Every page's own text; `image` marks the pages that have to be read from their picture."""
    document = open_pdf(data, limits)
    pages: list[JsonObject] = []
    characters = 0
    for index in range(len(document)):
        try:
            page = document[index]
            words = page_words(page.get_textpage())
        except pypdfium2.PdfiumError:
            pages.append({"text": "", "image": False, "broken": True})
            continue
        visible = sum(len(word.text) for word in words)
        unknown = sum(c == "\ufffd" or "\ue000" <= c <= "\uf8ff" for w in words for c in w.text)
        image = (visible < ENOUGH or unknown > 0.3 * visible) and _draws_something(page)
        text = "" if image else lay_out(words)
        characters += len(text)
        if characters > limits["characters"]:
            raise TooLarge(
                f"The PDF has more than {limits['characters']} characters.",
                code="too_much_text",
                fix="Send the letter without its enclosures.",
            )
        pages.append({"text": text, "image": image, "broken": False})
        page.close()
    if all(page["broken"] for page in pages):
        raise InvalidInput(
            "No page of the PDF can be read.",
            code="document_broken",
            fix="Export the letter again and send the new file.",
        )
    return {"pages": pages}


def _draws_something(page: Any) -> bool:
    return next(iter(page.get_objects(max_depth=3)), None) is not None


class ImageReader:
    """Reads pictures of pages; the models are loaded with the first one."""

    def __init__(self) -> None:
        self._reader: Any = None

    def read(self, data: bytes, request: JsonObject) -> JsonObject:
        """The asked pages of a PDF, or all frames of an image."""
        # The recogniser costs a second and 200 MB; processes that read text layers go without.
        from careloom.documents.ocr import PageReader, image_frames, pdf_page_image

        if self._reader is None:
            self._reader = PageReader(request["threads"])
        limits = request["limits"]
        pages = []
        if request["content_type"] == "application/pdf":
            document = open_pdf(data, limits)
            for index in request["indexes"]:
                pages.append(self._reader.read(pdf_page_image(document[index])))
        else:
            for frame in image_frames(io.BytesIO(data), limits["pixels"], limits["ocr_pages"]):
                pages.append(self._reader.read(frame))
        return {"pages": pages}


def bound_processor_time(seconds: float) -> None:
    """Let this process use at most so many more seconds of processor time."""
    with contextlib.suppress(ImportError):
        import resource  # not on Windows, where the wall limit alone holds

        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(used.ru_utime + used.ru_stime + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def bound_memory(size: int) -> None:
    """Limit this process' address space, files and core dump."""
    with contextlib.suppress(ImportError):
        import resource  # not on Windows, where the parent's wall limit alone holds

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def answer(request: JsonObject, data: bytes, images: ImageReader) -> JsonObject:
    """Carry out one request; every failure becomes an error object."""
    try:
        started = time.perf_counter()
        bound_processor_time(request["seconds"])
        if request["what"] == "text":
            result = read_text_layer(data, request["limits"])
        else:
            result = images.read(data, request)
        return {"result": result, "seconds": time.perf_counter() - started}
    except CareloomError as error:
        return {
            "error": {
                "kind": type(error).__name__,
                "message": error.message,
                "code": error.code,
                "fix": error.fix,
            }
        }
    except MemoryError:
        return {
            "error": {
                "kind": TooLarge.__name__,
                "code": "document_too_costly",
                "message": "Reading the document needs more memory than allowed.",
                "fix": "Send the letter as a plainer or smaller file.",
            }
        }
    except Exception as error:
        # The parser met something nobody foresaw: name its type only, its text may hold content.
        return {
            "error": {
                "kind": Unprocessable.__name__,
                "code": "document_unreadable",
                "message": f"The document cannot be read ({type(error).__name__}).",
                "fix": "Export the letter again and send the new file.",
            }
        }


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the other side closes."""
    images = ImageReader()
    while line := source.readline():
        request = json.loads(line)
        if request["what"] == "bound":
            bound_memory(request["memory"])
            reply: JsonObject = {"result": {}}
        else:
            reply = answer(request, source.read(request["length"]), images)
        sink.write(json.dumps(reply).encode() + b"\n")
        sink.flush()


if __name__ == "__main__":
    channel = sys.stdout.buffer
    sys.stdout = sys.stderr
    serve(sys.stdin.buffer, channel)
