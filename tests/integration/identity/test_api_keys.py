"""API keys through the service, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from careloom.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from careloom.identity.attempts import TooManyAttempts
from careloom.identity.keytext import KeyText, generate
from careloom.identity.service import SYSTEM_ACTOR, Identity, IssuedKey
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identity(database: Database, keyring: Keyring, clock: Clock) -> Identity:
    return Identity(database, keyring, clock=clock)


async def issue(identity: Identity, scope: Scope, *roles: str, id: str = "someone") -> IssuedKey:
    await identity.create_principal(scope, id, name="Some One", roles=roles, actor=SYSTEM_ACTOR)
    return await identity.create_key(scope, id, actor=SYSTEM_ACTOR)


async def audited(database: Database, scope: Scope, action: str) -> list[JsonObject]:
    rows = await database.query(
        scope.tenant,
        "SELECT content FROM careloom.audit WHERE tenant = $1 AND action = $2 ORDER BY audit_id",
        scope.tenant,
        action,
    )
    return [json.loads(row["content"]) for row in rows]


async def test_a_key_names_its_principal_tenant_and_store(identity: Identity, scope: Scope) -> None:
    key = await issue(identity, scope, "clinician", "device")
    principal = await identity.authenticate(key.text)
    assert (principal.id, principal.scope, principal.kind) == ("someone", scope, "service")
    assert principal.roles == {"clinician", "device"}
    assert principal.allows("task:complete")
    assert principal.allows("dicom:write")
    assert not principal.allows("admin")


async def test_only_a_keyed_hash_is_stored(
    identity: Identity, scope: Scope, dsn: str, database: Database
) -> None:
    key = await issue(identity, scope, "viewer")
    secret = key.text.rsplit("_", 1)[1]
    owner = await asyncpg.connect(dsn)
    try:
        for table in ("api_key", "api_key_pepper", "principal", "audit", "audit_queue"):
            texts = await owner.fetch(f"SELECT t::text AS row FROM careloom.{table} t")
            assert texts or table == "audit_queue"
            assert not [row for row in texts if secret in row["row"] or secret[:32] in row["row"]]
    finally:
        await owner.close()
    assert secret not in repr(key)
    listed = await identity.principals(scope)
    assert listed[0]["keys"][0]["prefix"] == key.prefix
    assert "secret_hash" not in listed[0]["keys"][0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "supersecret",
        "clinician:supersecret",
        "admin",
        "clk_",
        "Bearer",
        "clk_default_a_b",
        "\ud800",
    ],
)
async def test_what_is_no_key_is_refused(identity: Identity, text: str) -> None:
    with pytest.raises(Unauthenticated, match="not a key"):
        await identity.authenticate(text)


async def test_a_wrong_secret_and_an_unknown_key_look_the_same(
    identity: Identity, scope: Scope
) -> None:
    key = await issue(identity, scope, "viewer")
    wrong = KeyText(scope.tenant, key.key_id, generate(scope.tenant).secret)
    with pytest.raises(Unauthenticated) as first:
        await identity.authenticate(wrong.text)
    with pytest.raises(Unauthenticated) as second:
        await identity.authenticate(generate(scope.tenant).text)
    assert first.value.message == second.value.message == "The key is not valid"


async def test_the_same_secret_under_another_tenant_or_key_is_refused(
    identity: Identity, scope: Scope, database: Database
) -> None:
    key = await issue(identity, scope, "viewer")
    secret = key.text.rsplit("_", 1)[1][:32]
    await database.call("tenant_create", f"{scope.tenant}-b", "b", "development")
    other = Scope(f"{scope.tenant}-b", "main")
    theirs = await issue(identity, other, "admin")
    for stolen in (
        KeyText(other.tenant, key.key_id, secret),
        KeyText(other.tenant, theirs.key_id, secret),
    ):
        with pytest.raises(Unauthenticated):
            await identity.authenticate(stolen.text)


async def test_a_hash_copied_to_another_key_does_not_verify(
    identity: Identity, scope: Scope, dsn: str
) -> None:
    mine = await issue(identity, scope, "viewer", id="mine")
    await issue(identity, scope, "admin", id="boss")
    boss = await identity.create_key(scope, "boss", actor=SYSTEM_ACTOR)
    owner = await asyncpg.connect(dsn)
    await owner.execute(
        "UPDATE careloom.api_key SET secret_hash = (SELECT secret_hash FROM careloom.api_key"
        " WHERE tenant = $1 AND key_id = $2) WHERE tenant = $1 AND key_id = $3",
        scope.tenant,
        mine.key_id,
        boss.key_id,
    )
    await owner.close()
    secret = mine.text.rsplit("_", 1)[1][:32]
    with pytest.raises(Unauthenticated):
        await identity.authenticate(KeyText(scope.tenant, boss.key_id, secret).text)


async def test_a_revoked_key_stops_here_at_once_and_elsewhere_within_the_cache_time(
    identity: Identity, scope: Scope, database: Database, keyring: Keyring
) -> None:
    key = await issue(identity, scope, "viewer")
    elsewhere_clock = Clock()
    elsewhere = Identity(database, keyring, clock=elsewhere_clock)
    await identity.authenticate(key.text)
    await elsewhere.authenticate(key.text)
    assert await identity.revoke(scope, key.key_id, actor=SYSTEM_ACTOR)
    assert not await identity.revoke(scope, key.key_id, actor=SYSTEM_ACTOR)
    with pytest.raises(Unauthenticated, match="revoked"):
        await identity.authenticate(key.text)
    elsewhere_clock.now += 5.0
    with pytest.raises(Unauthenticated, match="revoked"):
        await elsewhere.authenticate(key.text)
    with pytest.raises(NotFound):
        await identity.revoke(scope, "nothing", actor=SYSTEM_ACTOR)


async def test_an_expired_key_and_a_disabled_principal_are_refused(
    identity: Identity, scope: Scope
) -> None:
    await issue(identity, scope, "viewer")
    past = datetime.now(UTC) - timedelta(seconds=1)
    expired = await identity.create_key(scope, "someone", expires_at=past, actor=SYSTEM_ACTOR)
    with pytest.raises(Unauthenticated, match="expired"):
        await identity.authenticate(expired.text)
    key = await identity.create_key(scope, "someone", actor=SYSTEM_ACTOR)
    await identity.authenticate(key.text)
    await identity.change_principal(scope, "someone", disabled=True, actor=SYSTEM_ACTOR)
    with pytest.raises(Unauthenticated, match="disabled"):
        await identity.authenticate(key.text)


async def test_a_cached_key_never_outlives_its_expiry(
    identity: Identity, scope: Scope, clock: Clock, dsn: str
) -> None:
    await issue(identity, scope, "viewer")
    soon = datetime.now(UTC) + timedelta(seconds=2)
    key = await identity.create_key(scope, "someone", expires_at=soon, actor=SYSTEM_ACTOR)
    await identity.authenticate(key.text)
    owner = await asyncpg.connect(dsn)
    await owner.execute(
        "UPDATE careloom.api_key SET expires_at = now() - interval '1 second' WHERE key_id = $1",
        key.key_id,
    )
    await owner.close()
    clock.now += 2.0  # less than the cache's five seconds, more than the key had left
    with pytest.raises(Unauthenticated, match="expired"):
        await identity.authenticate(key.text)


async def test_many_wrong_secrets_get_429_and_the_right_one_still_passes(
    identity: Identity, scope: Scope, clock: Clock
) -> None:
    key = await issue(identity, scope, "viewer")
    for _ in range(10):
        with pytest.raises(Unauthenticated, match="not valid"):
            await identity.authenticate(
                KeyText(scope.tenant, key.key_id, generate("x").secret).text
            )
    wrong = KeyText(scope.tenant, key.key_id, generate("x").secret).text
    with pytest.raises(TooManyAttempts) as refused:
        await identity.authenticate(wrong)
    assert refused.value.status == 429
    assert 0 < refused.value.retry_after <= 60
    assert (await identity.authenticate(key.text)).id == "someone"
    clock.now += 60
    with pytest.raises(Unauthenticated, match="not valid"):
        await identity.authenticate(wrong)


async def test_refused_keys_are_audited_and_repeats_are_counted(
    identity: Identity, scope: Scope, clock: Clock, database: Database
) -> None:
    key = await issue(identity, scope, "viewer")
    for _ in range(7):
        with pytest.raises(Unauthenticated):
            await identity.authenticate(
                KeyText(scope.tenant, key.key_id, generate("x").secret).text
            )
    await identity.refusals.flush()
    rows = await audited(database, scope, "identity.rejected")
    assert len(rows) == 1
    clock.now += 60
    await identity.refusals.flush()
    rows = await audited(database, scope, "identity.rejected")
    assert sum(row["detail"]["times"] for row in rows) == 7
    assert len(rows) <= 2
    assert {(row["entity"], row["detail"]["reason"]) for row in rows} == {
        (f"ApiKey/{key.key_id}", "wrong_secret")
    }


async def test_a_key_of_an_unknown_tenant_makes_no_tenant(
    identity: Identity, database: Database
) -> None:
    key = generate("nobody-knows-it")
    with pytest.raises(Unauthenticated):
        await identity.authenticate(key.text)
    await identity.refusals.flush()
    assert not await audited(database, Scope("nobody-knows-it", "main"), "identity.rejected")
    kept = await audited(database, Scope("default", "main"), "identity.rejected")
    assert f"ApiKey/{key.key_id}" in {row["entity"] for row in kept}


async def test_a_denied_permission_is_audited(
    identity: Identity, scope: Scope, database: Database
) -> None:
    key = await issue(identity, scope, "device")
    principal = await identity.authenticate(key.text)
    with pytest.raises(Forbidden):
        principal.require("fhir:read", "Patient")
    await identity.refusals.flush()
    (row,) = await audited(database, scope, "identity.denied")
    assert row["entity"] == "Permission/fhir:read/Patient"
    assert row["actor"] == {"principal": "someone", "kind": "service"}


async def test_refusals_still_waiting_are_written_at_the_end(
    identity: Identity, scope: Scope, database: Database
) -> None:
    principal = await identity.authenticate((await issue(identity, scope, "device")).text)
    stop = asyncio.Event()
    task = asyncio.create_task(identity.run(stop))
    for _ in range(3):
        with pytest.raises(Forbidden):
            principal.require("admin")
        await identity.refusals.flush()
    stop.set()
    await task
    rows = await audited(database, scope, "identity.denied")
    assert [row["detail"]["times"] for row in rows] == [1, 2]


async def test_the_first_key_is_made_once_even_by_many_at_once(
    identity: Identity, scope: Scope
) -> None:
    made = await asyncio.gather(*(identity.ensure_first_key(scope) for _ in range(6)))
    keys = [key for key in made if key is not None]
    assert len(keys) == 1
    principal = await identity.authenticate(keys[0].text)
    assert principal.roles == {"admin"}
    assert principal.allows("admin")
    assert await identity.ensure_first_key(scope) is None


async def test_every_change_of_identity_is_audited(
    identity: Identity, scope: Scope, database: Database
) -> None:
    key = await issue(identity, scope, "viewer")
    await identity.change_principal(scope, "someone", roles=["engineer"], actor=SYSTEM_ACTOR)
    await identity.revoke(scope, key.key_id, actor=SYSTEM_ACTOR)
    for action in ("principal.create", "principal.change", "key.create", "key.revoke"):
        assert len(await audited(database, scope, f"identity.{action}")) == 1, action


async def test_bad_principals_are_refused(identity: Identity, scope: Scope) -> None:
    await issue(identity, scope, "viewer")
    with pytest.raises(InvalidInput, match="superuser"):
        await issue(identity, scope, "superuser", id="other")
    with pytest.raises(InvalidInput):
        await issue(identity, scope, id="other")
    with pytest.raises(Conflict):
        await issue(identity, scope, "viewer")
    with pytest.raises(NotFound):
        await identity.create_key(scope, "nobody", actor=SYSTEM_ACTOR)
    with pytest.raises(NotFound):
        await identity.create_key(Scope(scope.tenant, "no-store"), "someone", actor=SYSTEM_ACTOR)
    with pytest.raises(NotFound):
        await identity.change_principal(scope, "nobody", disabled=True, actor=SYSTEM_ACTOR)


async def test_the_use_of_a_key_is_noted_at_most_hourly(
    identity: Identity, scope: Scope, clock: Clock
) -> None:
    key = await issue(identity, scope, "viewer")
    await identity.authenticate(key.text)
    first = (await identity.principals(scope))[0]["keys"][0]["last_used_at"]
    clock.now += 60
    await identity.authenticate(key.text)
    assert first is not None
    assert (await identity.principals(scope))[0]["keys"][0]["last_used_at"] == first
