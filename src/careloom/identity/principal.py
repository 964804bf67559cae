"""Who acts: the one object that says tenant, store and grants of a credential."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from careloom.errors import Forbidden
from careloom.identity.permissions import allows, grants_of
from careloom.types import JsonObject, Scope


class DenialSink(Protocol):
    """Where a principal reports what it was refused, so that it reaches the audit trail."""

    def denied(self, principal: Principal, permission: str, resource_type: str | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, service, worker or run, in one tenant and store."""

    id: str
    tenant: str
    store: str
    kind: str
    """user, service, worker, run or system."""
    roles: frozenset[str] = frozenset()
    grants: tuple[str, ...] = ()
    name: str = field(default="", compare=False)
    run_id: str | None = None
    sink: DenialSink | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of_roles(
        cls, id: str, scope: Scope, roles: Iterable[str], *, kind: str = "service"
    ) -> Principal:
        """A principal with the grants of its roles."""
        names = frozenset(roles)
        return cls(id, scope.tenant, scope.store, kind, names, grants_of(names))

    @classmethod
    def of_run(
        cls, run_id: str, scope: Scope, grants: Iterable[str], *, starter: str = "system"
    ) -> Principal:
        """A run acts with the grants stored with it, in the name of who started it."""
        return cls(starter, scope.tenant, scope.store, "run", grants=tuple(grants), run_id=run_id)

    @property
    def scope(self) -> Scope:
        return Scope(self.tenant, self.store)

    def allows(self, permission: str, resource_type: str | None = None) -> bool:
        """Whether this principal may do it; never raises."""
        return allows(self.grants, permission, resource_type)

    def require(self, permission: str, resource_type: str | None = None) -> None:
        """Raise `Forbidden` unless granted for every patient and element."""
        if not self.allows(permission, resource_type):
            self.refuse(permission, resource_type)

    def refuse(self, permission: str, resource_type: str | None = None) -> NoReturn:
        """Raise `Forbidden`; a sink puts the refusal in the audit trail."""
        if self.sink is not None:
            self.sink.denied(self, permission, resource_type)
        place = f" on {resource_type}" if resource_type else ""
        raise Forbidden(
            f"This credential does not grant {permission}{place}",
            fix="use a key whose principal has a role that grants it",
            details={"permission": permission, "resource_type": resource_type},
        )

    def actor(self, request_id: str | None = None) -> JsonObject:
        """What audit rows say about who acted."""
        actor: JsonObject = {"principal": self.id, "kind": self.kind}
        if self.run_id is not None:
            actor["run_id"] = self.run_id
        if request_id is not None:
            actor["request_id"] = request_id
        return actor
