"""Patient data in messages that leave the system."""

from __future__ import annotations

from collections.abc import Iterator

from careloom.types import Json
from careloom.workflows.expressions import ExpressionError, Reference, compile_template
from careloom.workflows.verification.finding import Finding, Subject, error, warning

IDENTIFYING = frozenset(
    {"subject", "given", "family", "birthdate", "identifier", "telecom", "address", "phone"}
    | {"email", "mrn", "ssn"}
)
"""Names that stand for who a patient is, wherever they are in a path."""
RECORDS = frozenset({"resource", "resources", "bundle", "referral", "text", "name"})
"""Names that stand for a whole record or a person, at the end of a path."""
ADDRESSING = frozenset({"channel", "to", "cc", "bcc", "url", "connection", "tool"})
"""Parameters that say where a message goes."""


def identifies(reference: Reference) -> bool:
    """True when a path reads who the patient is."""
    if reference[0] not in ("trigger", "session", "steps"):
        return False
    parts = [part.lower() for part in reference[3 if reference[0] == "steps" else 1 :]]
    if any(part in IDENTIFYING or part.startswith("patient") for part in parts):
        return True
    if not parts:
        return reference[0] != "steps"
    own_name = reference[0] == "steps" and parts[-1:] == ["name"]
    return parts[-1] in RECORDS and not own_name


def check_messages(subject: Subject) -> Iterator[Finding]:
    """Every text of every bot step."""
    for step in subject.definition.walk():
        if step.type != "bot":
            continue
        for path, text in _texts(step.params, step.path):
            for read in sorted(".".join(ref) for ref in _references(text) if identifies(ref)):
                yield _finding(subject, path, read)


def _finding(subject: Subject, path: str, read: str) -> Finding:
    make, code = (error, "E-PHI") if subject.production else (warning, "W-PHI")
    return make(
        code,
        path,
        f"the message names the patient ({read})",
        cause="chat and mail leave the system and are kept by others",
        fix="write a link instead: {{run.id}}",
    )


def _texts(value: Json, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and "{{" in value:
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in ADDRESSING:
                yield from _texts(item, f"{path}/{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}/{number}")


def _references(text: str) -> frozenset[Reference]:
    try:
        return compile_template(text).references
    except ExpressionError:
        # Reported as an expression's fault where the step's expressions are checked.
        return frozenset()
