"""Headers of the FHIR API: formats, Prefer, conditions.

http://hl7.org/fhir/R4/http.html#mime-type, http://hl7.org/fhir/R4/http.html#ops
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from starlette.requests import Request

from careloom.errors import NotAcceptable, UnsupportedMediaType

JSON_TYPES = ("application/fhir+json", "application/json", "text/json", "application/json+fhir")
FORMAT_WORDS = (*JSON_TYPES, "json")
CONTENT_TYPE = "application/fhir+json; charset=utf-8"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the Prefer header asks for."""

    returned: str = "representation"
    strict: bool = False
    asks_for_bodies: bool = False
    """return=representation was said: a Bundle's answer repeats resources only then."""
    later: bool = False
    """respond-async: http://hl7.org/fhir/R4/async.html"""


_DEFAULT = Preferences()


def check_accept(request: Request) -> None:
    """Raise NotAcceptable unless the client takes JSON; `_format` goes before Accept."""
    wanted = request.query_params.get("_format") if request.scope["query_string"] else None
    if wanted is not None:
        # A plus sign in a query is a space once it is decoded.
        if _media_type(wanted.replace(" ", "+")) in FORMAT_WORDS:
            return
        raise _not_acceptable("_format")
    accept = request.headers.get("accept")
    if not accept:
        return
    for choice in accept.split(","):
        kind, _, parameters = choice.partition(";")
        if "q=0" in parameters.replace(" ", "").split(";"):
            continue
        if kind.strip().lower() in (*JSON_TYPES, "*/*", "application/*"):
            return
    raise _not_acceptable("Accept")


def _not_acceptable(path: str) -> NotAcceptable:
    return NotAcceptable(
        "This server answers in JSON only", path=path, fix="ask for application/fhir+json"
    )


def check_content_type(request: Request, allowed: tuple[str, ...] = JSON_TYPES) -> None:
    """Raise UnsupportedMediaType unless the body is said to be of an allowed type in UTF-8."""
    header = request.headers.get("content-type")
    if header is None:
        return
    charset = ""
    for parameter in header.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    if _media_type(header) not in allowed or charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMediaType(
            "The body is of a type that this place does not take",
            path="Content-Type",
            fix=f"send {allowed[0]} in UTF-8",
        )


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def preferences(request: Request) -> Preferences:
    """The Prefer header; what is not known in it is left out, as RFC 7240 says."""
    if "prefer" not in request.headers:
        return _DEFAULT
    returned, strict, said, later = "representation", False, False, False
    for header in request.headers.getlist("prefer"):
        for item in header.replace(";", ",").split(","):
            name, _, value = item.strip().partition("=")
            name, value = name.strip().lower(), value.strip().strip('"')
            if name == "return" and value in ("minimal", "representation", "OperationOutcome"):
                returned, said = value, value == "representation"
            elif name == "handling":
                strict = value == "strict"
            elif name == "respond-async":
                later = True
    return Preferences(returned, strict, said, later)


def wants_pretty(request: Request) -> bool:
    """Whether _pretty=true asks for indented JSON."""
    return request.query_params.get("_pretty") == "true"


def parse_http_date(text: str | None) -> datetime | None:
    """An HTTP date; one that cannot be read counts as absent (RFC 9110, 13.1.3)."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def http_date(moment: datetime) -> str:
    """Last-Modified's form."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)
