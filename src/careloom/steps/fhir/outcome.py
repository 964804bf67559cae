"""An OperationOutcome as the cause of a failed step.

http://hl7.org/fhir/R4/operationoutcome.html, http://hl7.org/fhir/R4/http.html#Status-Codes
"""

from __future__ import annotations

from typing import Any

import orjson

from careloom.connections.call import may_pass, says_unsent
from careloom.connections.delivery import retry_after
from careloom.connections.gateway import Answer
from careloom.types import JsonObject
from careloom.workflows.step import StepError

_CODES = {
    400: "invalid_resource",
    404: "not_found",
    409: "conflict",
    410: "gone",
    412: "precondition_failed",
    422: "invalid_resource",
}
_LONGEST = 500
_MOST = 50


def refusal(answer: Answer, peer: str) -> StepError:
    """The error for an answer that is no success, with the server's issues and their places."""
    issues = issues_of(_json(answer))
    places = [place for issue in issues for place in issue.get("expression", ())]
    said = ", ".join(sorted({str(issue.get("code")) for issue in issues}))
    return StepError(
        f"{peer} answered {answer.status}" + (f": {said}" if said else ""),
        code=_CODES.get(answer.status, "http_status"),
        retryable=may_pass(answer.status),
        retry_after=retry_after(answer),
        details={
            "status": answer.status,
            "sent": "refused" if says_unsent(answer.status) else "unknown",
            "issues": issues,
            "path": places[0] if places else None,
        },
    )


def issues_of(outcome: Any) -> list[JsonObject]:
    """The issues of an OperationOutcome, of anything else none."""
    if not isinstance(outcome, dict) or outcome.get("resourceType") != "OperationOutcome":
        return []
    found = []
    for issue in outcome.get("issue", ()):
        if not isinstance(issue, dict):
            continue
        details = issue.get("details")
        text = issue.get("diagnostics") or (details or {}).get("text") or ""
        places = issue.get("expression") or issue.get("location") or []
        kept: JsonObject = {"severity": issue.get("severity"), "code": issue.get("code")}
        if places:
            kept["expression"] = places
        if text:
            kept["diagnostics"] = str(text)[:_LONGEST]
        found.append(kept)
    return found[:_MOST]


def resource_of(answer: Answer, peer: str) -> JsonObject:
    """The resource in an answer; raises StepError when there is none."""
    found = _json(answer)
    if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
        raise StepError(f"{peer} answered without a FHIR resource", code="bad_answer")
    return found


def _json(answer: Answer) -> Any:
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
