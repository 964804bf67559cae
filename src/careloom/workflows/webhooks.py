"""Webhooks that come in: signed, kept before they are acknowledged, started once.

The store is told by the address, which cannot be guessed, and never by what was sent. A delivery
id counts once for a path: its repeat gets the original reply, another body under it is refused.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import orjson

from careloom.errors import (
    CareloomError,
    Conflict,
    InvalidInput,
    NotFound,
    Unavailable,
    UnsupportedMediaType,
)
from careloom.identity.principal import Principal
from careloom.identity.refusals import Refusal, Refusals
from careloom.json_text import read_json
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import Json, JsonObject, Scope
from careloom.workflows.definition import TriggerDefinition
from careloom.workflows.matching import listed
from careloom.workflows.registry import Registry, Workflow
from careloom.workflows.signatures import BadSignature, key_of, new_secret, verified_id
from careloom.workflows.starters import is_limited, require_any
from careloom.workflows.verification.trigger_keys import HIDDEN_HEADERS

BODY_LIMIT = 1 << 20
"""Bytes of one delivery."""
PER_SECOND, BURST = 100.0, 200.0
"""Deliveries of one address in one process."""
_ENDPOINT = re.compile(r"wh_([A-Za-z0-9][A-Za-z0-9_-]{0,62})_([0-9A-Za-z]{24})", re.ASCII)
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORM = "application/x-www-form-urlencoded"
_HEADERS_KEPT = 8192
Authenticate = Callable[[], Awaitable[Principal]]


class TooManyDeliveries(CareloomError):
    """Deliveries come faster than they are taken."""

    status, issue, default_code, retryable = 429, "throttled", "too_many_deliveries", True


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook trigger of a deployed workflow."""

    workflow: Workflow
    trigger: TriggerDefinition

    @property
    def secret(self) -> str:
        return str(self.trigger.params["secret"])

    @property
    def scheme(self) -> str:
        return str(self.trigger.params.get("signature", "standard"))


class Webhooks:
    """The service behind /hooks and /api/webhooks."""

    def __init__(
        self,
        db: Database,
        keyring: Keyring,
        registry: Registry,
        refusals: Refusals,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._registry = registry
        self._refusals = refusals
        self._clock = clock
        self._steady = steady
        self._pace: dict[str, tuple[float, float]] = {}

    async def receive(
        self,
        endpoint: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        authenticate: Authenticate,
    ) -> JsonObject:
        """Take one delivery; it is durable, with its event, when this returns.

        Raises NotFound, BadSignature (401, audited), Forbidden, UnsupportedMediaType, InvalidInput
        and Conflict (another body under a known id).
        """
        scope = await self._scope(endpoint)
        hooks = await self._hooks(scope, path)
        taken, identity = await self._verified(scope, path, hooks, headers, body)
        for hook in taken:
            if is_limited(hook.trigger):
                await self._admitted(scope, hook, authenticate)
        content = _content(taken, headers, body)
        secret = taken[0].secret
        digest = hashlib.sha256(body).hexdigest()
        sealed = await self._keyring.seal(
            scope.tenant, None, _place(scope, path, secret, identity), orjson.dumps(content)
        )
        actor = {"principal": f"webhook:{path}", "kind": "service"}
        kept = await self._db.call(
            "delivery_put",
            scope.tenant,
            scope.store,
            path,
            secret,
            identity,
            digest,
            sealed,
            actor,
        )
        if not kept["same"]:
            raise Conflict(
                "A delivery with this id and another body was taken before",
                code="delivery_changed",
                fix="give each message an id of its own, and repeat a message unchanged",
            )
        if kept["created"]:
            self._db.notify(scope.tenant, "events")
        received = datetime.fromisoformat(kept["at"]).astimezone(UTC)
        return {
            "deliveryId": identity,
            "status": "accepted",
            "receivedAt": received.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }

    async def load(self, scope: Scope, path: str, ref: JsonObject) -> JsonObject | None:
        """What `trigger.*` shows of a delivery."""
        secret, identity = ref["secret"], ref["delivery"]
        rows = await self._db.rows(
            "delivery_read", scope.tenant, scope.store, path, secret, identity
        )
        if not rows:
            return None
        place = _place(scope, path, secret, identity)
        plain = await self._keyring.open(scope.tenant, rows[0]["content"], place)
        shown: JsonObject = orjson.loads(plain)
        received = rows[0]["at"].astimezone(UTC).isoformat().replace("+00:00", "Z")
        known = {"event": "webhook", "path": path, "deliveryId": identity}
        return {**known, "receivedAt": received, **shown}

    async def put_secret(
        self,
        scope: Scope,
        name: str,
        given: str | None,
        keep: timedelta,
        actor: JsonObject,
    ) -> JsonObject:
        """A new signing secret under a name, shown here once; those before it stay valid for
        `keep`. Raises InvalidInput for a secret that is too short."""
        secret = given or new_secret()
        key_of(secret)
        sealed = await self._keyring.seal(
            scope.tenant, None, _secret_place(scope, name), secret.encode()
        )
        number = await self._db.call(
            "hook_secret_put", scope.tenant, scope.store, name, sealed, keep, actor
        )
        return {"name": name, "number": number, "secret": secret}

    async def all(self, scope: Scope, actor: JsonObject) -> JsonObject:
        """The store's webhook address, its webhook triggers, and the names of its secrets."""
        fresh = f"wh_{scope.tenant}_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))
        endpoint = await self._db.call(
            "hook_endpoint_make", scope.tenant, scope.store, fresh, actor
        )
        known: dict[str, int] = {}
        for row in await self._db.rows("hook_secrets", scope.tenant, scope.store, None):
            known[row["name"]] = known.get(row["name"], 0) + 1
        hooks = [
            {
                "path": str(hook.trigger.params.get("path")),
                "url": f"/hooks/{endpoint}/{hook.trigger.params.get('path')}",
                "workflowId": hook.workflow.id,
                "active": hook.workflow.active,
                "secret": hook.secret,
                "secretIsThere": hook.secret in known,
                "signature": hook.scheme,
            }
            for hook in await self._all_hooks(scope)
        ]
        named = [{"name": name, "valid": count} for name, count in sorted(known.items())]
        return {"endpoint": endpoint, "hooks": hooks, "secrets": named}

    async def _scope(self, endpoint: str) -> Scope:
        """The store behind an address."""
        found = _ENDPOINT.fullmatch(endpoint)
        store = None
        if found is not None:
            self._hold_pace(endpoint)
            store = await self._db.call("hook_endpoint_find", found[1], endpoint)
        if found is None or store is None:
            raise NotFound("There is no such webhook address", code="webhook_not_found")
        return Scope(found[1], store)

    async def _hooks(self, scope: Scope, path: str) -> list[Hook]:
        hooks = [h for h in await self._all_hooks(scope) if h.trigger.params.get("path") == path]
        if not hooks:
            raise NotFound("No workflow listens at this path", code="webhook_not_found")
        active = [hook for hook in hooks if hook.workflow.active]
        if not active:
            raise Unavailable("The workflow at this path is paused", code="workflow_paused")
        return active

    async def _all_hooks(self, scope: Scope) -> list[Hook]:
        return [
            Hook(workflow, trigger)
            for workflow in await self._registry.all(scope)
            for trigger in (
                await self._registry.program(scope.tenant, workflow.hash)
            ).definition.triggers
            if trigger.type == "webhook"
        ]

    async def _verified(
        self,
        scope: Scope,
        path: str,
        hooks: list[Hook],
        headers: Mapping[str, str],
        body: bytes,
    ) -> tuple[list[Hook], str]:
        """The hooks whose secret has signed the delivery in their scheme, and its id."""
        failure = BadSignature("no_secret")
        for secret, scheme in sorted({(hook.secret, hook.scheme) for hook in hooks}):
            keys = await self._keys(scope, secret)
            if not keys:
                continue
            try:
                identity = verified_id(scheme, headers, body, keys, self._clock())
            except BadSignature as error:
                failure = error
                continue
            return [one for one in hooks if (one.secret, one.scheme) == (secret, scheme)], identity
        self._refuse(scope, path, failure.reason)
        raise failure

    async def _keys(self, scope: Scope, name: str) -> list[bytes]:
        place = _secret_place(scope, name)
        return [
            key_of((await self._keyring.open(scope.tenant, row["sealed"], place)).decode())
            for row in await self._db.rows("hook_secrets", scope.tenant, scope.store, name)
        ]

    async def _admitted(self, scope: Scope, hook: Hook, authenticate: Authenticate) -> None:
        """The sender of a limited hook also has a key of the same tenant that the limit allows."""
        principal = await authenticate()
        if principal.scope != scope:
            self._refuse(scope, str(hook.trigger.params["path"]), "another_tenant")
            raise BadSignature("another_tenant")
        require_any([hook.trigger], principal, hook.workflow.id)

    def _refuse(self, scope: Scope, path: str, reason: str) -> None:
        entity = f"Webhook/{path}"
        self._refusals.add(Refusal(scope, "webhook.rejected", entity, "unknown", "unknown", reason))

    def _hold_pace(self, endpoint: str) -> None:
        now = self._steady()
        left, at = self._pace.pop(endpoint, (BURST, now))
        left = min(BURST, left + (now - at) * PER_SECOND)
        if len(self._pace) >= 10_000:
            del self._pace[next(iter(self._pace))]
        self._pace[endpoint] = (max(left - 1, 0), now)
        if left < 1:
            raise TooManyDeliveries(
                "Deliveries come too fast", fix=f"send at most {PER_SECOND:.0f} a second"
            )


def _content(hooks: list[Hook], headers: Mapping[str, str], body: bytes) -> JsonObject:
    """What is kept of a delivery: the body as its type says, and the headers that are wanted."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = {one for hook in hooks for one in listed(hook.trigger.params.get("contentType"))}
    if media not in (wanted or {"application/json"}):
        raise UnsupportedMediaType(
            "The path does not take this type of content",
            fix=f"send {' or '.join(sorted(wanted or {'application/json'}))}",
        )
    kept: JsonObject = {}
    named = {one.lower() for h in hooks for one in listed(h.trigger.params.get("headers"))}
    for name in sorted(named - HIDDEN_HEADERS):
        if name in headers and len(headers[name]) <= _HEADERS_KEPT:
            kept[name] = headers[name]
    return {"contentType": media, "headers": kept, "body": _parsed(media, body)}


def _parsed(media: str, body: bytes) -> Json:
    if media == "application/json" or media.endswith("+json"):
        return read_json(body, "The delivery")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"The body is not {media} in UTF-8", fix="send it as its Content-Type says"
        ) from error
    if media != _FORM:
        return text
    fields: dict[str, Json] = {}
    for name, value in _pairs(text):
        known = fields.get(name)
        fields[name] = value if known is None else [*listed(known), value]
    return fields


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=1000)
    except ValueError as error:
        raise InvalidInput("The form has too many fields", fix="send at most 1,000") from error


def _place(scope: Scope, path: str, secret: str, identity: str) -> str:
    return f"{scope.store}|delivery|{path}|{secret}|{identity}"


def _secret_place(scope: Scope, name: str) -> str:
    return f"{scope.store}|hook_secret|{name}"
