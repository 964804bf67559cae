"""Human tasks with what they need of other rooms: the FHIR store, the connections, the keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from careloom.bootstrap.forms import form_sources
from careloom.bootstrap.ports import seal_decision
from careloom.connections.delivery import DeliveryFailed, Outgoing
from careloom.connections.registry import Connections
from careloom.fhir.planned import Planned, add_put
from careloom.fhir.resource import now, stamp
from careloom.fhir.store import FhirStore
from careloom.settings import Settings
from careloom.steps.asking import People
from careloom.store.blobs import Blobs
from careloom.store.database import Database
from careloom.store.effect import Effect
from careloom.store.keys import Keyring
from careloom.tasks.calendars import Calendars
from careloom.tasks.content import TaskContent
from careloom.tasks.filling import Forms
from careloom.tasks.follow import Follower
from careloom.tasks.mirror import Put
from careloom.tasks.service import Tasks
from careloom.tasks.teams import Teams
from careloom.tasks.timers import Note, TaskClock
from careloom.types import JsonObject, Scope
from careloom.workflows.channels import channel_of
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.expressions import ExpressionError
from careloom.workflows.expressions.pattern import compile_pattern

_SENDING = timedelta(seconds=15)
_LATER = timedelta(seconds=5)


class FhirResources:
    """The FHIR store as tasks use it."""

    def __init__(self, fhir: FhirStore) -> None:
        self._fhir = fhir

    async def current(self, scope: Scope, type: str, id: str) -> tuple[JsonObject, int]:
        """A resource and its version; raises NotFound or Gone."""
        stored = await self._fhir.read_stored(scope, type, id)
        return orjson.loads(stored.body), stored.version

    async def put(
        self, scope: Scope, resource: JsonObject, version: int, *, dated: bool = True
    ) -> Put:
        """Seal the resource as this version of its id. What is not `dated` bears no time of its
        own: when it is written stands in the row, and nobody knows it before."""
        moment, planned = now(), Planned()
        stamped = stamp(resource, resource["id"], version, moment)
        if not dated:
            stamped["meta"].pop("lastUpdated")
        method = "POST" if version == 1 else "PUT"
        await add_put(
            self._fhir.context,
            scope,
            planned,
            stamped,
            version=version,
            method=method,
            moment=moment,
        )
        op = {name: value for name, value in planned.effect.ops[0].items() if name != "op"}
        op.pop("body")
        return Put(op, planned.effect.bodies[0])

    async def plan_create(self, scope: Scope, resource: JsonObject, id: str) -> Effect:
        """A checked create under an id of ours."""
        return (await self._fhir.plan_create(scope, resource, id=id)).effect


class ConnectionNotifier:
    """Tells people through Slack, e-mail or a webhook of the store."""

    def __init__(
        self, db: Database, keyring: Keyring, connections: Connections, public_url: str | None
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._connections = connections
        self._public = (public_url or "").rstrip("/")

    def task_address(self, task_id: str) -> str:
        """The task in the Inbox."""
        return f"{self._public}/#/inbox/{task_id}"

    def form_address(self, token: str, template: str | None) -> str:
        """The patient's page of a form, or the operator's own page for it. The token stands behind
        `#`, which browsers send to nobody: no log of a server between sees it."""
        if template and "{token}" in template:
            return template.replace("{token}", token)
        return f"{self._public}/form.html#{token}"

    async def record(self, scope: Scope, effect: Effect, note: Note) -> bool:
        """Add the message; False when no connection carries it and it is captured."""
        channel = channel_of(note.to)
        connection = await self._connections.find(scope, channel, None) if note.sent else None
        message = {"to": [note.to], "subject": note.subject, "text": note.text, "payload": None}
        place = f"{scope.store}|message|{note.key}"
        plain = orjson.dumps(message)
        effect.add(
            "message.record",
            id=note.key,
            run=note.run,
            path=note.path,
            channel=channel,
            connection=None if connection is None else connection.id,
            state="captured" if connection is None else "pending",
            patient=note.patient,
            body=effect.add_body(
                await self._keyring.seal(scope.tenant, note.patient, place, plain)
            ),
        )
        return connection is not None

    async def send(self, scope: Scope, message_id: str) -> timedelta | None:
        """Send a recorded message; when to try again, None when that is over."""
        where = (scope.tenant, scope.store, message_id)
        if not await self._db.call("message_take", *where, _SENDING):
            rows = await self._db.rows("task_message_read", *where)
            return _LATER if rows and rows[0]["state"] == "pending" else None
        [row] = await self._db.rows("task_message_read", *where)
        plain = await self._keyring.open(
            scope.tenant, row["content"], f"{scope.store}|message|{message_id}"
        )
        state, receipt, again = await self._delivered(scope, message_id, row, orjson.loads(plain))
        actor = {"principal": "system", "kind": "system"}
        await self._db.call("message_settle", *where, state, receipt, actor)
        return again

    async def _delivered(
        self, scope: Scope, message_id: str, row: Any, message: JsonObject
    ) -> tuple[str, JsonObject, timedelta | None]:
        found = await self._connections.find(scope, row["channel"], row["connection"])
        if found is None:
            gone = {"code": "no_connection", "message": "The connection is gone"}
            return "failed", gone, None
        to = tuple(message["to"])
        outgoing = Outgoing(message_id, to, message["subject"], message["text"])
        try:
            return "sent", (await found.sender.send(outgoing)).to_json(), None
        except DeliveryFailed as error:
            refused = {"code": "delivery_failed", "message": error.message}
            if not error.retryable:
                return "failed", refused, None
            pause = timedelta(seconds=error.retry_after) if error.retry_after else _LATER
            return "pending", refused, pause


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches, in linear time. What cannot be read matches nothing."""
    try:
        return compile_pattern(f"^({pattern})$").found_in(text, lambda _steps: None)
    except ExpressionError:
        return False


@dataclass(frozen=True, slots=True)
class PeopleServices:
    """Everything about human tasks that the house is made of."""

    tasks: Tasks
    teams: Teams
    calendars: Calendars
    forms: Forms
    clock: TaskClock


def _reached_at(settings: Settings) -> str | None:
    """The address in links to people: the public one, else that of HTTP where it is known."""
    if settings.public_url or not settings.port:
        return settings.public_url
    everywhere = settings.host in ("0.0.0.0", "::")  # noqa: S104 nothing is bound here
    host = "localhost" if everywhere else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def people_ports(
    settings: Settings,
    db: Database,
    keyring: Keyring,
    fhir: FhirStore,
    connections: Connections,
    blobs: Blobs,
) -> People:
    """What steps need in order to ask people."""
    notifier = ConnectionNotifier(db, keyring, connections, _reached_at(settings))
    content, resources = TaskContent(keyring), FhirResources(fhir)
    sources = form_sources(db, content, fhir, resources, blobs)
    return People(content, Calendars(db), resources, notifier, sources)


def people_services(
    db: Database,
    fhir: FhirStore,
    payloads: Payloads,
    people: People,
    tenants: frozenset[str] | None,
) -> PeopleServices:
    """The services; FHIR writes of Tasks are followed from here on."""
    resources = people.resources
    seal = seal_decision(db, payloads)
    tasks = Tasks(db, people.content, seal, resources, matches, people.sources)
    fhir.accompany(Follower(db, tasks, resources).accompany)
    clock = TaskClock(db, people.content, resources, people.notifier, tenants=tenants)
    forms = Forms(db, tasks, people.notifier)
    return PeopleServices(tasks, Teams(db), people.calendars, forms, clock)
