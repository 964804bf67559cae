"""What a resource type offers to search, compiled on first use."""

from __future__ import annotations

from collections.abc import Hashable

from careloom.fhir.definitions import Definitions
from careloom.fhir.search.extract import Extractor, extractors, index_rows
from careloom.fhir.search.pairs import (
    PAIRS,
    PairExtractor,
    composite_extractor,
    pair_rows,
    position_rows,
)
from careloom.fhir.search.parameters import (
    SIMPLE_TYPES,
    STORED_ELSEWHERE,
    SearchParameter,
    compile_parameters,
)
from careloom.types import JsonObject

CONTAINED = "#contained"
"""The code of the rows that say which types of resources a resource contains."""
IndexRows = dict[str, list[list[object]]]


class SearchIndex:
    """Parameters and extractors of every resource type."""

    def __init__(self, definitions: Definitions, bases: tuple[str, ...] = ()) -> None:
        self.definitions = definitions
        self.bases = bases
        self._parameters: dict[str, dict[str, SearchParameter]] = {}
        self._extractors: dict[str, list[Extractor]] = {}
        self._pairs: dict[str, list[PairExtractor]] = {}
        self.fresh: dict[tuple[str, str], float] = {}
        """By tenant and store: 0 when its rows are complete, else when to ask again (fresh.py)."""
        self.prepared: dict[Hashable, object] = {}
        """Searches kept ready, by what they ask and for whom (prepared.py)."""
        self._compartment: dict[str, tuple[str, ...]] = {}

    def parameters(self, resource_type: str) -> dict[str, SearchParameter]:
        """The parameters of a type by code."""
        found = self._parameters.get(resource_type)
        if found is None:
            found = compile_parameters(self.definitions, resource_type)
            self._parameters[resource_type] = found
        return found

    def rows(self, resource: JsonObject) -> IndexRows:
        """The index rows of a valid resource, by table letter."""
        resource_type = resource["resourceType"]
        made = self._extractors.get(resource_type)
        if made is None:
            made = self._compile(resource_type)
        rows = index_rows(made, resource)
        met = [row for pair in self._pairs[resource_type] for row in pair.rows(resource)]
        if resource_type in PAIRS:
            met += pair_rows(resource_type, rows)
        elif resource_type == "Location":
            met += position_rows("Location.near", resource)
        if resource.get("contained"):
            held = dict.fromkeys(one["resourceType"] for one in resource["contained"])
            key = f"{resource_type}.{CONTAINED}"
            rows.setdefault("t", []).extend([key, kind, ""] for kind in held)
        if met:
            for number, row in enumerate(met):
                row[1] = number
            rows["c"] = met
        return rows

    def patient(self, resource_type: str, resource_id: str, rows: IndexRows) -> str | None:
        """The id of the Patient whose data key protects the resource.

        http://hl7.org/fhir/R4/compartmentdefinition-patient.html
        """
        if resource_type == "Patient":
            return resource_id
        params = self._compartment.get(resource_type)
        if params is None:
            codes = self.definitions.compartment.get(resource_type, [])
            params = tuple(f"{resource_type}.{code}" for code in codes)
            self._compartment[resource_type] = params
        for param in params:
            for row in rows.get("r", ()):
                target = str(row[1])
                if row[0] == param and target.startswith("Patient/"):
                    return target[8:]
        return None

    def _compile(self, resource_type: str) -> list[Extractor]:
        made = [
            extractor
            for parameter in self.parameters(resource_type).values()
            if parameter.code not in STORED_ELSEWHERE
            and parameter.type in SIMPLE_TYPES
            and parameter.same_as is None
            for extractor in extractors(self.definitions, parameter, self.bases)
        ]
        pairs = (
            composite_extractor(self.definitions, parameter, self.bases)
            for parameter in self.parameters(resource_type).values()
        )
        self._pairs[resource_type] = [pair for pair in pairs if pair is not None]
        self._extractors[resource_type] = made
        return made
