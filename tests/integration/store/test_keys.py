"""Data keys in a real database: races, erasure, tampering, and the start-up check."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest

from careloom.errors import ConfigurationError
from careloom.store.database import Database
from careloom.store.keys import (
    FileKeyProvider,
    KeyDestroyed,
    Keyring,
    Tampered,
    WrongKey,
    check_keys,
    load_key_provider,
)

PLACE = "main|resource|Patient/1|1"


async def test_sealed_bytes_open_in_another_process_and_show_nothing(
    keyring: Keyring, shared_database: Database, provider: FileKeyProvider, subject: str
) -> None:
    plain = b'{"resourceType":"Patient","name":"Canary"}' * 40
    sealed = await keyring.seal("default", subject, PLACE, plain)
    assert b"Canary" not in sealed
    assert len(sealed) < len(plain)
    assert await Keyring(shared_database, provider).open("default", sealed, PLACE) == plain


@pytest.mark.parametrize("size", [0, 1, 1024, 1025, 5000, 300_000])
async def test_every_size_comes_back(keyring: Keyring, size: int, subject: str) -> None:
    plain = secrets.token_bytes(size // 2) + b"a" * (size - size // 2)
    assert (
        await keyring.open("default", await keyring.seal("default", subject, PLACE, plain), PLACE)
        == plain
    )


async def test_the_tenants_key_is_not_a_patients_key(keyring: Keyring, subject: str) -> None:
    of_tenant = await keyring.seal("default", None, PLACE, b"x")
    of_patient = await keyring.seal("default", subject, PLACE, b"x")
    assert of_tenant[1:9] != of_patient[1:9]


async def test_every_changed_byte_and_every_cut_is_found(keyring: Keyring, subject: str) -> None:
    sealed = await keyring.seal("default", subject, PLACE, b"value " * 100)
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1 << index % 8
        with pytest.raises(Tampered):
            await keyring.open("default", bytes(changed), PLACE)
    for length in range(0, len(sealed), 7):
        with pytest.raises(Tampered):
            await keyring.open("default", sealed[:length], PLACE)


async def test_sealed_bytes_do_not_open_in_another_place_or_tenant(
    keyring: Keyring, shared_database: Database, subject: str
) -> None:
    other = f"t{secrets.token_hex(4)}"
    await shared_database.call("tenant_create", other, "Other", "development")
    sealed = await keyring.seal("default", subject, PLACE, b"x")
    for tenant, place in (("default", PLACE + "2"), (other, PLACE)):
        with pytest.raises(Tampered):
            await keyring.open(tenant, sealed, place)


async def test_a_wrapped_key_moved_to_another_row_is_found(
    shared_database: Database, provider: FileKeyProvider, keyring: Keyring, subject: str
) -> None:
    first = await keyring.seal("default", subject, PLACE, b"x")
    await keyring.seal("default", f"{subject}-2", PLACE, b"x")
    await shared_database.query(
        "default",
        "UPDATE data_key SET wrapped ="
        " (SELECT wrapped FROM data_key WHERE tenant = 'default' AND subject = $1)"
        " WHERE tenant = 'default' AND subject = $2",
        f"{subject}-2",
        subject,
    )
    with pytest.raises(Tampered):
        await Keyring(shared_database, provider).open("default", first, PLACE)


async def test_concurrent_first_writers_of_a_patient_end_with_one_key(
    shared_database: Database, provider: FileKeyProvider, subject: str
) -> None:
    keyrings = [Keyring(shared_database, provider) for _ in range(6)]
    sealed = await asyncio.gather(
        *(
            keyring.seal("default", f"{subject}-{number}", PLACE, b"x")
            for keyring in keyrings
            for number in range(30)
        )
    )
    ids = {(place % 30, message[1:9]) for place, message in enumerate(sealed)}
    assert len(ids) == 30


async def test_what_one_turn_asks_for_is_loaded_in_one_call(
    shared_database: Database,
    provider: FileKeyProvider,
    subject: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[int] = []
    rows = shared_database.rows

    async def counted(function: str, tenant: str, *args: object) -> object:
        calls.append(1)
        return await rows(function, tenant, *args)

    monkeypatch.setattr(shared_database, "rows", counted)
    keyring = Keyring(shared_database, provider)
    await asyncio.gather(
        *(keyring.seal("default", f"{subject}-{n}", PLACE, b"x") for n in range(50))
    )
    assert len(calls) == 1


async def test_the_cached_calls_never_wait(
    shared_database: Database, provider: FileKeyProvider, subject: str
) -> None:
    keyring = Keyring(shared_database, provider)
    assert keyring.seal_cached("default", subject, PLACE, b"x") is None
    sealed = await keyring.seal("default", subject, PLACE, b"x")
    again = keyring.seal_cached("default", subject, PLACE, b"y")
    assert again is not None
    assert keyring.open_cached("default", again, PLACE) == b"y"
    assert Keyring(shared_database, provider).open_cached("default", sealed, PLACE) is None


async def test_memory_is_bounded_and_what_was_dropped_is_loaded_again(
    shared_database: Database, provider: FileKeyProvider, subject: str
) -> None:
    keyring = Keyring(shared_database, provider, capacity=3)
    sealed = [
        await keyring.seal("default", f"{subject}-{number}", PLACE, b"%d" % number)
        for number in range(10)
    ]
    cached = [keyring.open_cached("default", message, PLACE) for message in sealed]
    assert [value for value in cached if value is not None] == [b"7", b"8", b"9"]
    assert await keyring.open("default", sealed[0], PLACE) == b"0"


async def test_an_erased_patient_stays_erased(
    shared_database: Database, provider: FileKeyProvider, subject: str
) -> None:
    here = Keyring(shared_database, provider)
    elsewhere = Keyring(shared_database, provider, lifetime=0)
    sealed = await here.seal("default", subject, PLACE, b"x")
    assert await elsewhere.open("default", sealed, PLACE) == b"x"
    assert await here.destroy("default", subject)
    assert not await here.destroy("default", subject)
    for keyring in (here, elsewhere):
        with pytest.raises(KeyDestroyed):
            await keyring.open("default", sealed, PLACE)
        with pytest.raises(KeyDestroyed):
            await keyring.seal("default", subject, PLACE, b"y")
    rows = await shared_database.query(
        "default", "SELECT wrapped FROM data_key WHERE tenant = 'default' AND subject = $1", subject
    )
    assert [row["wrapped"] for row in rows] == [None]


async def test_a_patient_erased_before_the_first_write_gets_no_key(
    keyring: Keyring, subject: str
) -> None:
    assert not await keyring.destroy("default", subject)
    with pytest.raises(KeyDestroyed):
        await keyring.seal("default", subject, PLACE, b"x")


async def test_another_tenants_keys_cannot_be_seen(
    shared_database: Database, keyring: Keyring, subject: str
) -> None:
    await keyring.seal("default", subject, PLACE, b"x")
    assert await shared_database.rows("key_find", "another", [subject]) == []


async def test_the_first_start_makes_the_key_and_the_next_one_finds_it(
    empty_database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "keys" / "master.key"
    first = await load_key_provider(empty_database, path)
    assert path.stat().st_mode & 0o777 == 0o600
    second = await load_key_provider(empty_database, path)
    assert second.fingerprint == first.fingerprint


async def test_a_key_is_never_made_beside_existing_data(
    empty_database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "master.key"
    await load_key_provider(empty_database, path)
    path.unlink()
    with pytest.raises(ConfigurationError, match="is missing") as refused:
        await load_key_provider(empty_database, path)
    assert refused.value.fix is not None
    assert "backup" in refused.value.fix
    assert not path.exists()


async def test_a_wrong_key_refuses_to_start(empty_database: Database, tmp_path: Path) -> None:
    await load_key_provider(empty_database, tmp_path / "master.key")
    other = FileKeyProvider.create(tmp_path / "other.key")
    with pytest.raises(WrongKey):
        await check_keys(empty_database, other)
    with pytest.raises(WrongKey):
        await load_key_provider(empty_database, tmp_path / "other.key")


async def test_of_two_first_starts_with_keys_of_their_own_one_is_refused(
    empty_database: Database, tmp_path: Path
) -> None:
    outcomes = await asyncio.gather(
        *(load_key_provider(empty_database, tmp_path / f"{name}.key") for name in "ab"),
        return_exceptions=True,
    )
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    # The later one has made a key of its own by then, or finds that there are data and makes none.
    assert [isinstance(one, ConfigurationError) for one in refused] == [True]


async def test_two_first_starts_of_one_home_share_the_key(
    empty_database: Database, tmp_path: Path
) -> None:
    both = await asyncio.gather(
        *(load_key_provider(empty_database, tmp_path / "master.key") for _ in range(4))
    )
    assert len({provider.fingerprint for provider in both}) == 1
