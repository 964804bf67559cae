"""Canonical references, url|version: http://hl7.org/fhir/R4/references.html#canonical"""

from __future__ import annotations

from typing import NamedTuple


class Canonical(NamedTuple):
    """A canonical URL and the business version that is asked for."""

    url: str
    version: str | None

    @property
    def text(self) -> str:
        """As it is written in a resource."""
        return self.url if self.version is None else f"{self.url}|{self.version}"


def parse_canonical(text: str) -> Canonical:
    """url, url|version; a fragment (#id) names a part inside and is left out."""
    url, _, version = text.partition("|")
    return Canonical(url.partition("#")[0], version.partition("#")[0] or None)
