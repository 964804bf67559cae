"""What is answered when the program itself fails: the log knows where, the client only that."""

from __future__ import annotations

import logging
import traceback

from careloom.fhir.issue import Issue, outcome
from careloom.types import JsonObject

_log = logging.getLogger(__name__)


def failure(error: Exception) -> JsonObject:
    """The OperationOutcome of an unexpected error, which is logged without its message: that could
    hold patient data, the places cannot."""
    places = "".join(traceback.format_tb(error.__traceback__))
    _log.error("unexpected %s at\n%s", type(error).__name__, places)
    message = "The server failed; look before you repeat a write"
    return outcome([Issue("fatal", "exception", "", message)])
