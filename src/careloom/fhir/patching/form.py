"""The forms in which a patch is sent: a list, a Parameters resource, an object, or in a Bundle a
Binary. http://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.patching.merge_patch import apply_merge_patch
from careloom.fhir.sent_json import parse_sent
from careloom.types import Json, JsonObject

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
_FORMS = (
    f"a JSON Patch ({JSON_PATCH}), a FHIRPath Patch (Parameters, application/fhir+json) or a merge"
    f" patch ({MERGE_PATCH}); in a Bundle Parameters, or a Binary of the other types"
)
Patch = Json | Callable[[JsonObject], JsonObject]
"""A list is a JSON Patch, an object the Parameters of a FHIRPath Patch, a function a merge."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A patch as a client sent it, beside the type that it said."""

    media_type: str
    content: Json


def read_patch(given: Any) -> Patch:
    """What is to be applied; raises InvalidInput for what is no patch."""
    if isinstance(given, dict) and given.get("resourceType") == "Binary":
        given = _in_binary(given)
    if not isinstance(given, Sent):
        given = Sent("application/fhir+json", given)
    content, media_type = given.content, given.media_type
    is_object = isinstance(content, dict)
    if media_type == JSON_PATCH and isinstance(content, list):
        return content
    kind = content.get("resourceType") if isinstance(content, dict) else None
    if is_object and kind == "Parameters" and media_type not in (JSON_PATCH, MERGE_PATCH):
        return content
    # fhirpy says application/json of a merge patch.
    plain = media_type in ("application/json", "text/json") and kind is None
    if isinstance(content, dict) and (media_type == MERGE_PATCH or plain):
        return partial(apply_merge_patch, patch=content)
    raise InvalidInput(
        "The patch is not of the type that it is said to be",
        code="invalid_patch",
        path="Content-Type",
        fix=f"send {_FORMS}",
    )


def _in_binary(binary: JsonObject) -> Sent:
    media_type = str(binary.get("contentType")).partition(";")[0].strip()
    try:
        content: Json = parse_sent(base64.b64decode(binary.get("data", ""), validate=True))
    except (binascii.Error, TypeError, ValueError) as error:
        raise InvalidInput(
            "Binary.data is not base64", code="invalid_patch", path="Binary.data"
        ) from error
    return Sent(media_type, content)
