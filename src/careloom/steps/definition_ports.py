"""What the verification of definitions asks of the rooms that workflows are kept apart from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from careloom.fhir.element_kind import element_kind
from careloom.fhir.element_schema import element_schema
from careloom.fhir.structure import check_template, coercions
from careloom.types import JsonObject
from careloom.workflows.deployment import Ports, StepFindings
from careloom.workflows.verification import Finding


def definition_ports(
    schemas: Mapping[str, JsonObject], known: Any, environment_of: Any, step_findings: StepFindings
) -> Ports:
    """The ports of a deployment of workflows, by the schema of each step type."""
    parameters = {
        name: frozenset(schema["input"].get("properties", {})) for name, schema in schemas.items()
    }
    return Ports(
        schemas=schemas,
        check_structure=_check_structure,
        coerce=coercions,
        element_kind=element_kind,
        step_parameters=lambda name: parameters.get(name),
        known=known,
        environment_of=environment_of,
        step_findings=step_findings,
        element_schema=element_schema,
    )


def _check_structure(resource_type: str, data: JsonObject) -> list[Finding]:
    return [
        Finding(
            code="E-FHIRSTRUCTURE",
            severity="error" if issue.severity in ("error", "fatal") else "warning",
            path=issue.expression,
            message=issue.message,
            cause=f"{resource_type} as R4 defines it does not allow this",
            fix=issue.fix or "correct the resource",
        )
        for issue in check_template(resource_type, data)
    ]
