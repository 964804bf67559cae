"""From a document that was read to JSON: its fields, and its triage with the models given."""

from __future__ import annotations

from careloom.documents.document import Document
from careloom.documents.extraction import extract_referral
from careloom.documents.triage import UNKNOWN, SpecialtyModel, UrgencyModel, triage
from careloom.types import JsonObject


class Assessor:
    """Extracts and triages; without models the rules decide alone and the answer says so."""

    def __init__(
        self,
        urgency_model: UrgencyModel | None = None,
        specialty_model: SpecialtyModel | None = None,
    ) -> None:
        self._urgency_model = urgency_model
        self._specialty_model = specialty_model

    def extract(self, document: Document) -> JsonObject:
        """{"referral": fields with their evidence}."""
        return {"referral": extract_referral(document.text).to_json()}

    def triage(self, document: Document) -> JsonObject:
        """The fields, urgency, specialty, confidence, reasons, and why a person has to look."""
        referral = extract_referral(document.text)
        lines = [line.confidence for page in document.pages for line in page.lines]
        result = triage(
            referral,
            document.text,
            urgency_model=self._urgency_model,
            specialty_model=self._specialty_model,
            ocr_confidence=document.confidence,
            line_confidences=lines,
        )
        answer = result.to_json()
        names = [model.name for model in (self._urgency_model, self._specialty_model) if model]
        evidence = {
            "model": "careloom/referral-triage",
            "version": " + ".join(["rules", *names]),
            "confidence": answer["confidence"],
        }
        urgency = "urgency unknown" if result.urgency == UNKNOWN else result.urgency
        summary = f"{urgency}, {result.specialty or 'no specialty'}"
        return {"referral": referral.to_json(), **answer, "summary": summary, "evidence": evidence}
