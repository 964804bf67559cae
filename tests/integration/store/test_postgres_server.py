"""The life cycle of the embedded PostgreSQL, with real processes and kill -9."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psutil
import pytest

from careloom.errors import ConfigurationError
from careloom.store.postgres_cluster import Cluster
from careloom.store.postgres_place import OS_USER, ServerPlace
from careloom.store.postgres_server import EmbeddedServer

from .conftest import (
    Attached,
    end_server,
    kill_server,
    postmaster_of,
    processes_of,
    until,
    watcher_of,
)

Attach = Callable[[], Attached]
KEEP = "CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS value"
KEPT = "SELECT value FROM kept"


def test_several_processes_share_one_server_and_the_last_one_out_stops_it(
    home: Path, attach: Attach
) -> None:
    first, second = attach(), attach()
    first.sql(KEEP)
    assert second.sql(KEPT) == "42"
    pid = postmaster_of(home).pid
    third = attach()
    first.detach()
    second.kill()
    assert third.sql(KEPT) == "42"
    assert postmaster_of(home).pid == pid
    third.detach()
    assert not [p for p in processes_of(home) if p.info["name"] == "postgres"]
    assert attach().sql(KEPT) == "42"


def test_a_killed_postmaster_is_started_again_for_those_who_use_it(
    home: Path, attach: Attach
) -> None:
    user = attach()
    user.sql(KEEP)
    killed = postmaster_of(home)
    killed.kill()
    until(lambda: not killed.is_running() or killed.status() == psutil.STATUS_ZOMBIE)
    assert user.sql(KEPT) == "42"
    assert postmaster_of(home).pid != killed.pid
    assert attach().sql(KEPT) == "42"


def test_after_everything_was_killed_the_next_one_finds_what_was_committed(
    home: Path, attach: Attach
) -> None:
    user = attach()
    user.sql(KEEP)
    before = {p.pid for p in processes_of(home)}
    watcher, postmaster = watcher_of(home), postmaster_of(home)
    watcher.suspend()
    postmaster.kill()
    watcher.kill()
    user.kill()
    assert (ServerPlace.of(home).data / "postmaster.pid").exists()
    assert attach().sql(KEPT) == "42"
    assert not before & {p.pid for p in processes_of(home)}


def test_a_busy_child_of_a_killed_postmaster_ends_before_the_next_server_starts(
    home: Path, attach: Attach
) -> None:
    user = attach()
    user.sql(KEEP)
    busy = Attached(home)
    assert busy.answer().startswith("ready")
    assert busy.process.stdin is not None
    # It spins without looking at its latch, so it does not notice that the postmaster is gone.
    busy.process.stdin.write("sql SELECT count(*) FROM generate_series(1, 1000000000000)\n")
    busy.process.stdin.flush()
    others = "FROM pg_stat_activity WHERE query ~ 'generate_series' AND pid <> pg_backend_pid()"
    until(lambda: user.sql(f"SELECT count(*) {others}") == "1")
    spinning = int(user.sql(f"SELECT pid {others}"))
    postmaster_of(home).kill()
    assert user.sql(KEPT) == "42"
    assert spinning not in {p.pid for p in processes_of(home)}
    busy.kill()


def test_when_its_only_user_is_killed_the_server_ends_by_itself(home: Path, attach: Attach) -> None:
    attach().kill()
    until(lambda: not processes_of(home))


def test_a_killed_watcher_is_replaced_by_a_user_and_leaves_no_orphan(
    home: Path, attach: Attach
) -> None:
    user = attach()
    user.sql(KEEP)
    killed = watcher_of(home)
    killed.kill()
    until(
        lambda: any("python" in p.info["name"] and p.pid != killed.pid for p in processes_of(home))
    )
    assert user.sql(KEPT) == "42"
    user.detach()
    until(lambda: not processes_of(home))


def test_a_server_whose_watcher_and_users_were_all_killed_does_not_stay(
    home: Path, attach: Attach
) -> None:
    user = attach()
    watcher = watcher_of(home)
    watcher.suspend()
    user.kill()
    watcher.kill()
    until(lambda: not processes_of(home))


def test_a_socket_that_a_cleaner_removed_comes_back(home: Path, attach: Attach) -> None:
    user = attach()
    user.sql(KEEP)
    shutil.rmtree(ServerPlace.of(home).socket_folder)
    assert user.sql(KEPT) == "42"
    assert attach().sql(KEPT) == "42"


def test_two_first_starters_get_one_server(home: Path) -> None:
    both = [Attached(home), Attached(home)]
    assert all(child.answer().startswith("ready ") for child in both)
    both[0].sql(KEEP)
    assert both[1].sql(KEPT) == "42"
    for child in both:
        child.detach()


def test_a_start_killed_while_it_makes_the_cluster_leaves_nothing_half_made(home: Path) -> None:
    child = Attached(home)
    place = ServerPlace.of(home)
    until(lambda: any(place.folder.glob("new-*/global")))
    kill_server(home)
    child.kill()
    end_server(home)
    assert not place.data.exists()
    second = Attached(home)
    assert second.answer().startswith("ready ")
    assert second.sql("SELECT 1") == "1"
    assert not list(place.folder.glob("new-*"))
    second.detach()


async def test_a_home_with_a_long_path_gets_a_short_socket(home: Path) -> None:
    long_home = home / ("a" * 100) / ("b" * 100)
    server = await EmbeddedServer.attach(long_home)
    try:
        place = ServerPlace.of(long_home)
        assert len(str(place.socket)) < 100
        assert place.socket_folder.stat().st_mode & 0o077 == 0
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SHOW data_checksums") == "on"
        assert await connection.fetchval("SHOW listen_addresses") == ""
        await connection.close()
    finally:
        await server.detach()
        place.socket_folder.rmdir()


async def test_a_data_folder_of_another_major_version_is_refused(home: Path) -> None:
    place = ServerPlace.of(home)
    place.data.mkdir(mode=0o700)
    (place.data / "PG_VERSION").write_text("17\n")
    os.chown(place.data, place.uid, place.gid)
    with pytest.raises(ConfigurationError, match="was written by PostgreSQL 17") as refused:
        await EmbeddedServer.attach(home)
    assert refused.value.fix is not None
    assert "pg_upgrade" in refused.value.fix
    until(lambda: not processes_of(home))


async def test_a_full_disk_is_named_and_leaves_no_half_made_cluster(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = home / "initdb"
    full.write_text(
        "#!/bin/sh\necho 'initdb: error: could not write: No space left on device' >&2\nexit 1\n"
    )
    full.chmod(0o755)
    monkeypatch.setattr("careloom.store.postgres_cluster.programs", lambda place: home)
    place = ServerPlace.of(home)
    with pytest.raises(ConfigurationError, match="the disk is full") as refused:
        Cluster(place).start()
    assert refused.value.fix == "free some space, then start again"
    assert not place.data.exists()
    assert not list(place.folder.glob("new-*"))


async def test_a_folder_that_is_no_cluster_is_refused_and_kept(home: Path) -> None:
    place = ServerPlace.of(home)
    place.data.mkdir(mode=0o700)
    os.chown(place.data, place.uid, place.gid)
    (place.data / "letter.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="is not a PostgreSQL data folder"):
        await EmbeddedServer.attach(home)
    assert (place.data / "letter.txt").read_text() == "mine"


async def test_changed_permissions_are_named_with_their_cure(home: Path) -> None:
    server = await EmbeddedServer.attach(home)
    await server.detach()
    data = ServerPlace.of(home).data
    data.chmod(0o755)
    with pytest.raises(ConfigurationError, match="permissions were changed") as refused:
        await EmbeddedServer.attach(home)
    assert refused.value.fix == f"chmod 700 {data}"
    data.chmod(0o700)
    server = await EmbeddedServer.attach(home)
    await server.detach()


async def test_only_its_own_folders_change(home: Path) -> None:
    inner = home / "inner"
    inner.mkdir(mode=0o755)
    before = [(p, p.stat().st_mode, p.stat().st_uid) for p in (inner, *inner.parents)]
    server = await EmbeddedServer.attach(inner)
    await server.detach()
    assert before == [(p, p.stat().st_mode, p.stat().st_uid) for p in (inner, *inner.parents)]


async def test_a_home_that_only_its_owner_can_enter_works(home: Path) -> None:
    hidden = home / "hidden"
    hidden.mkdir(mode=0o700)
    server = await EmbeddedServer.attach(hidden)
    place = ServerPlace.of(hidden)
    connection = await asyncpg.connect(server.dsn)
    await connection.close()
    await server.detach()
    assert hidden.stat().st_mode & 0o777 == 0o700
    if os.geteuid() == 0:
        assert place.user == OS_USER
        assert (hidden / "postgresql-location").read_text().strip() == str(place.folder.parent)
        shutil.rmtree(place.folder.parent)
    else:
        assert place.folder == hidden / "pg"
