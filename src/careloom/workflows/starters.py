"""Who may start a workflow in person: `requires:` a permission, `allow:` roles or principals."""

from __future__ import annotations

from collections.abc import Iterable

from careloom.errors import Forbidden
from careloom.identity.principal import Principal
from careloom.workflows.definition import Definition, TriggerDefinition
from careloom.workflows.matching import listed

_LIMITED = ("requires", "allow")


def is_limited(trigger: TriggerDefinition) -> bool:
    """Whether the trigger says who may set it off."""
    return any(key in trigger.params for key in _LIMITED)


def require_manual_start(definition: Definition, principal: Principal) -> None:
    """Raise Forbidden, audited, unless the principal may start the workflow by request.

    A manual trigger says who may. Where there is none, the limits of the other triggers hold, one
    of them suffices: a request must not be the way around them.
    """
    triggers = definition.triggers
    manual = [trigger for trigger in triggers if trigger.type == "manual"]
    limited = [trigger for trigger in manual or triggers if is_limited(trigger)]
    if manual and len(limited) < len(manual):
        return
    require_any(limited, principal, definition.id)


def require_any(
    limited: Iterable[TriggerDefinition], principal: Principal, workflow_id: str
) -> None:
    """Raise Forbidden, audited, when there are limits and the principal is within none of them."""
    limits = list(limited)
    if not limits or any(_within(trigger, principal) for trigger in limits):
        return
    place = f"Workflow/{workflow_id}"
    if principal.sink is not None:
        principal.sink.denied(principal, "workflow:run", place)
    raise Forbidden(
        "This credential may not start this workflow: its trigger names who may",
        code="trigger_not_allowed",
        fix="use a key of somebody whom the trigger's `requires` or `allow` names",
        details={"workflow": workflow_id},
    )


def _within(trigger: TriggerDefinition, principal: Principal) -> bool:
    required, allowed = trigger.params.get("requires"), listed(trigger.params.get("allow"))
    if required is not None and not principal.allows(str(required)):
        return False
    named = {principal.id, *principal.roles}
    return not allowed or any(one in named for one in allowed)
