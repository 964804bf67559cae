"""Terminology capabilities: which code systems R4 brings, and what is asked of them.

http://hl7.org/fhir/R4/terminologycapabilities.html
"""

from __future__ import annotations

from functools import lru_cache

from careloom.fhir.definitions.archive import terminology_archive
from careloom.fhir.operations import expand
from careloom.fhir.resource import serialize
from careloom.types import JsonObject


@lru_cache(maxsize=4)
def terminology_capabilities(base: str, version: str, started: str) -> bytes:
    """The TerminologyCapabilities at a base URL as JSON bytes; what a store holds comes on top."""
    return serialize(
        {
            "resourceType": "TerminologyCapabilities",
            "status": "active",
            "date": started,
            "kind": "instance",
            "software": {"name": "Careloom", "version": version},
            "implementation": {
                "description": "The code systems of FHIR R4; those that are stored are served too",
                "url": base,
            },
            "codeSystem": [_code_system(url) for url in terminology_archive().urls("CodeSystem")],
            "expansion": {
                "hierarchical": False,
                "paging": True,
                "incomplete": False,
                "parameter": [{"name": one.name} for one in expand.OPERATION.parameters],
                "textFilter": "Part of the display or the code, without case",
            },
            "codeSearch": "explicit",
            "validateCode": {"translations": False},
            "translation": {"needsMap": True},
            "closure": {"translation": False},
        }
    )


def _code_system(url: str) -> JsonObject:
    version = terminology_archive().version("CodeSystem", url)
    return {"uri": url, "version": [{"code": version}]} if version else {"uri": url}
