"""Where the next page begins: sealed, so that a link is opaque and bound to tenant and store."""

from __future__ import annotations

import base64
import binascii

import orjson

from careloom.errors import CareloomError, InvalidInput
from careloom.fhir.context import FhirContext
from careloom.types import JsonObject, Scope

PAGE_PARAMETER = "_page"


async def seal_cursor(context: FhirContext, scope: Scope, place: str, content: JsonObject) -> str:
    """The cursor's text for a link; `place` names the interaction and type."""
    plain = orjson.dumps(content)
    sealed = await context.keyring.seal(scope.tenant, None, f"{scope.store}|page|{place}", plain)
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


async def open_cursor(context: FhirContext, scope: Scope, place: str, text: str) -> JsonObject:
    """The content of a cursor that this server made; raises InvalidInput for any other."""
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = await context.keyring.open(scope.tenant, sealed, f"{scope.store}|page|{place}")
        content: JsonObject = orjson.loads(plain)
    except (binascii.Error, ValueError, CareloomError) as error:
        raise InvalidInput(
            "This page link is not one of this store",
            code="invalid_page",
            path=PAGE_PARAMETER,
            fix="repeat the search and follow its next link",
        ) from error
    return content
