"""The forms in which a patch is sent: a list, a Parameters resource, or a Binary in a Bundle.

http://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.resource import parse
from careloom.types import Json

JSON_PATCH = "application/json-patch+json"
_FORMS = f"a JSON Patch, a Parameters resource, or in a Bundle a Binary of {JSON_PATCH}"


def read_patch(content: Any) -> Json:
    """A list (JSON Patch) or a Parameters resource (FHIRPath Patch); raises InvalidInput."""
    if isinstance(content, list):
        return content
    kind = content.get("resourceType") if isinstance(content, dict) else None
    if kind == "Parameters":
        parameters: Json = content
        return parameters
    if kind != "Binary":
        raise InvalidInput("This is not a patch", code="invalid_patch", fix=f"send {_FORMS}")
    if str(content.get("contentType")).partition(";")[0].strip() != JSON_PATCH:
        raise InvalidInput(
            "The Binary is of another type", code="invalid_patch", path="Binary.contentType",
            fix=f"send {_FORMS}",
        )  # fmt: skip
    try:
        patch: Json = parse(base64.b64decode(content.get("data", ""), validate=True))
    except (binascii.Error, TypeError, ValueError) as error:
        raise InvalidInput(
            "Binary.data is not base64", code="invalid_patch", path="Binary.data"
        ) from error
    if not isinstance(patch, list):
        raise InvalidInput(
            "A JSON Patch is a list of operations", code="invalid_patch", path="Binary.data"
        )
    return patch
