"""A run as lines on a terminal, while it happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from careloom.bootstrap import Services
from careloom.types import DEFAULT_SCOPE, JsonObject

_QUIET_S = 1.5
_CHANNELS = {"slack": "Slack", "email": "e-mail"}
_MARKS = {"succeeded": "done", "failed": "FAILED", "skipped": "skipped", "waiting": "waiting"}


class Timeline:
    """Prints each step once, as soon as it is committed."""

    def __init__(self, services: Services, say: Callable[[str], None]) -> None:
        self._services = services
        self._say = say

    async def follow(self, run_id: str, give_up_s: float) -> str:
        """Print the run until it ends or waits for a person; returns its status."""
        self._say(f"  {run_id}")
        shown: set[str] = set()
        deadline, quiet_since = time.monotonic() + give_up_s, time.monotonic()
        while True:
            status = await self._services.runs.status(DEFAULT_SCOPE, run_id)
            for step in status["steps"]:
                if step["path"] not in shown and step["status"] in _MARKS:
                    shown.add(step["path"])
                    self._step(step)
                    quiet_since = time.monotonic()
            if time.monotonic() - quiet_since > _QUIET_S:
                await self._working(status, shown)
                quiet_since = deadline
            if status["status"] != "running" or time.monotonic() > deadline:
                await self._end(status)
                return str(status["status"])
            await asyncio.sleep(0.02)

    async def _working(self, status: JsonObject, shown: set[str]) -> None:
        """Say which step takes its time."""
        tenant, digest = DEFAULT_SCOPE.tenant, status["definitionHash"]
        program = await self._services.registry.program(tenant, digest)
        following = (s for s in program.definition.steps if s.path not in shown)
        step = next(following, None)
        if step is not None and status["status"] == "running":
            self._say(f"  {' ' * 10}  running  {step.id:<22} {step.name or ''}")

    def _step(self, step: JsonObject) -> None:
        took = step.get("durationMs")
        time_text = f"{took:7.0f} ms" if took is not None else " " * 10
        self._say(f"  {time_text}  {_MARKS[step['status']]:<8} {step['id']:<22} {_what(step)}")
        for note in step.get("notes") or ():
            self._say(f"  {' ' * 10}  note     {note['code']}: {note['message']}")

    async def _end(self, status: JsonObject) -> None:
        messages = await self._services.messages.page(DEFAULT_SCOPE, run=status["runId"])
        for message in reversed(messages):
            to = ", ".join(message["to"]) or message["channel"]
            self._say(f"  {' ' * 10}  {'message':<8} to {to}: {message['text']}")
        took = f" in {status['durationMs']:.0f} ms" if status["durationMs"] is not None else ""
        waits = " for a person" if status["status"] == "waiting" else ""
        self._say(f"  Run {status['status']}{waits}{took}")
        if status["error"]:
            self._say(f"  {status['error'].get('code')}: {status['error'].get('message')}")


def _what(step: JsonObject) -> str:
    """What a step did, in a few words."""
    if step.get("error"):
        return str(step["error"].get("message", ""))
    output = step.get("output") or {}
    if "urgency" in output:
        confidence = output.get("confidence") or 0.0
        urgency = "urgency unknown" if output["urgency"] == "unknown" else output["urgency"]
        return (
            f"{urgency}, {output.get('specialty') or 'no specialty'}"
            f" (confidence {confidence:.0%}, read as {output.get('path')})"
        )
    if "summary" in output:
        return f"{output['summary']}, confidence {output.get('confidence') or 0.0:.0%}"
    if "count" in output:
        return f"found {output['count']}"
    if "reference" in output:
        return f"wrote {output['reference']}"
    if "messageId" in output:
        return _sending(output)
    if "result" in output:
        return "yes" if output["result"] else "no"
    return "asks a person" if step["status"] == "waiting" else ""


def _sending(output: JsonObject) -> str:
    kind = _CHANNELS.get(output["channel"], output["channel"])
    if output["state"] == "captured":
        return f"captured: no {kind} connection is configured"
    return f"{output['state']} by {kind}"
