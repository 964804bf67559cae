"""Why a run failed, in one sentence, and what to do about it."""

from __future__ import annotations

from careloom.types import JsonObject
from careloom.workflows.definition import Definition
from careloom.workflows.expressions.errors import EXPRESSION_CODES

_AGAIN = "when that is mended, retry the run: it begins with this step and keeps the ones before it"
_PEER = f"see that the other system answers and that its connection is right; {_AGAIN}"
_DEFINITION = "correct the workflow, deploy it, and retry the run on the new version"
_INPUT = "retry the run with another input, or correct the workflow"
_FIXES = {
    "child_failed": "open the run that it started: its own cause stands there; then retry this one",
    "child_lost": "retry the run: it starts the other one again",
    "dead_letter": "see in the log why its worker ended, then retry the run",
    "insufficient_permissions": "let whoever owns or starts the workflow have that permission, then"
    " retry the run",
    "missing_output": _DEFINITION,
    "no_connection": f"configure the connection; {_AGAIN}",
    "result_invalid": _DEFINITION,
    "rollback_failed": "undo by hand what the step left behind; the other steps are undone",
    "run_timeout": "give the workflow more time with timeout:, or retry the run",
    "task_expired": "retry the run: the people are asked anew",
    "timed_out": f"see why it took so long, or give the step more time with timeout:; {_AGAIN}",
    "work_lost": "see that a program serves the queue, then retry the run",
}
_PEERS = frozenset(
    {
        *("bad_answer", "circuit_open", "credentials_refused", "delivery_failed", "http_status"),
        *("delivery_refused", "graphql_errors", "peer_down", "peer_unreachable", "rate_limited"),
    }
)


def cause_of(
    run: JsonObject, error: JsonObject | None, definition: Definition
) -> JsonObject | None:
    """Of a run that failed: the step, one sentence, the code and the fix; None for any other.

    `run` has failedStep and failedCode; `error` is what the run was closed with.
    """
    if error is None or run["failedStep"] is None:
        return None
    path = str(error.get("stepPath") or run["failedStep"])
    code = str(error.get("code") or run["failedCode"] or "failed")
    message = str(error.get("message") or code).strip().rstrip(".")
    return {
        "step": path,
        "sentence": f"{_subject(path, definition)} failed: {message}.",
        "code": code,
        "fix": error.get("fix") or _fix(code),
    }


def _subject(path: str, definition: Definition) -> str:
    if path == "output":
        return "The run's output"
    if path.startswith("~"):
        return "The run"
    step = next((step for step in definition.walk() if step.path == path), None)
    if step is None:
        return f"Step {path.rsplit('/', 1)[-1]}"
    return f"Step {step.name or step.id} ({step.type})"


def _fix(code: str) -> str:
    if code in _FIXES:
        return _FIXES[code]
    if code in _PEERS:
        return _PEER
    if code in EXPRESSION_CODES:
        return _INPUT
    if code.endswith(("_params", "_parameter", "_statement", "_address")):
        return _DEFINITION
    return _AGAIN
