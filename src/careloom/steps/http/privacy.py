"""Patient data on its way out: said in development, refused in production unless cleared."""

from __future__ import annotations

from careloom.errors import Gone, NotFound
from careloom.fhir.store import FhirStore
from careloom.steps.bot.identity import names_patient
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepError


async def outgoing_notes(
    fhir: FhirStore, call: StepCall, written: str, *, cleared: bool, where: str
) -> list[JsonObject]:
    """W-PHI when what is sent names the run's patient to a peer that is not cleared for it.

    Raises StepError (phi_refused) in production. `cleared`: the connection's `phi` setting.
    """
    if cleared or call.patient is None:
        return []
    try:
        patient = await fhir.read(call.scope, "Patient", call.patient)
    except (NotFound, Gone):
        patient = {"id": call.patient}
    if not names_patient(written, patient):
        return []
    if call.environment == "production":
        raise StepError(
            "The call names the patient and the connection is not cleared for patient data",
            code="phi_refused",
            details={"fix": 'clear the connection with "phi": true in its settings'},
        )
    return [
        {
            "code": "W-PHI",
            "path": f"{call.path}/{where}",
            "message": "The call names the patient and its connection is not cleared for patient"
            " data; a production environment refuses this",
        }
    ]
