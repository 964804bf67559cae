"""Blobs through their door, in a folder and in an S3-compatible server."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from careloom.errors import NotFound, TooLarge, Unavailable
from careloom.settings import Settings
from careloom.store.blobs import Blobs, FolderStore, open_blobs
from careloom.store.keys import KeyDestroyed, Keyring, Tampered
from careloom.types import Scope

SCOPE = Scope("default", "main")
BUCKET = "careloom-test"


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=BUCKET)
    yield endpoint
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    env = {"CARELOOM_HOME": str(tmp_path)}
    if request.param == "s3":
        endpoint = request.getfixturevalue("s3_endpoint")
        env["CARELOOM_BLOBS"] = f"s3://{BUCKET}/blobs?endpoint={endpoint}"
        env["CARELOOM_S3_ACCESS_KEY"] = env["CARELOOM_S3_SECRET_KEY"] = "test"
    return Settings.from_environment(env)


@pytest.fixture
def blobs(settings: Settings, keyring: Keyring) -> Blobs:
    return open_blobs(settings, keyring)


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
async def test_a_blob_comes_back_as_it_was_put(blobs: Blobs, subject: str, size: int) -> None:
    data = secrets.token_bytes(size)
    ref = await blobs.put(SCOPE, subject, data)
    assert ref.size == size
    assert await blobs.get(SCOPE, ref.id) == data
    await blobs.delete(SCOPE, ref.id)
    await blobs.delete(SCOPE, ref.id)
    with pytest.raises(NotFound):
        await blobs.get(SCOPE, ref.id)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a" * 31 + "/", "A" * 32, "", "0" * 32, "0" * 33]
)
async def test_no_name_leads_anywhere_else(blobs: Blobs, name: str) -> None:
    with pytest.raises(NotFound):
        await blobs.get(SCOPE, name)


@pytest.mark.parametrize("scope", [Scope("default", "other"), Scope("another", "main")])
async def test_a_blob_of_one_scope_is_not_there_in_another(
    blobs: Blobs, subject: str, scope: Scope
) -> None:
    ref = await blobs.put(SCOPE, subject, b"x")
    with pytest.raises(NotFound):
        await blobs.get(scope, ref.id)


async def test_an_erased_patients_blobs_cannot_be_read(
    blobs: Blobs, keyring: Keyring, subject: str
) -> None:
    ref = await blobs.put(SCOPE, subject, b"x")
    await keyring.destroy("default", subject)
    with pytest.raises(KeyDestroyed):
        await blobs.get(SCOPE, ref.id)


async def test_what_lies_in_the_folder_is_sealed_and_private(
    keyring: Keyring, subject: str, tmp_path: Path
) -> None:
    blobs = Blobs(FolderStore.open(tmp_path / "blobs"), keyring)
    first = await blobs.put(SCOPE, subject, b"Canary" * 100)
    second = await blobs.put(SCOPE, subject, b"Canary" * 100)
    files = {path.name: path for path in (tmp_path / "blobs").rglob("*") if len(path.name) == 32}
    assert {first.id, second.id} <= set(files)
    assert b"Canary" not in files[first.id].read_bytes()
    assert files[first.id].stat().st_mode & 0o077 == 0
    files[first.id].write_bytes(files[second.id].read_bytes())
    with pytest.raises(Tampered):
        await blobs.get(SCOPE, first.id)


async def test_beyond_the_limit_nothing_is_written(
    keyring: Keyring, subject: str, tmp_path: Path
) -> None:
    blobs = Blobs(FolderStore.open(tmp_path / "blobs"), keyring, limit=10)
    await blobs.put(SCOPE, subject, b"0123456789")
    before = sorted((tmp_path / "blobs").rglob("*"))
    with pytest.raises(TooLarge):
        await blobs.put(SCOPE, subject, b"0123456789a")
    assert sorted((tmp_path / "blobs").rglob("*")) == before


async def test_a_full_disk_withholds_the_blob_and_leaves_no_half_file(
    keyring: Keyring, subject: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = Blobs(FolderStore.open(tmp_path / "blobs"), keyring)
    await keyring.seal("default", subject, "warm", b"")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="No space left"):
            await blobs.put(SCOPE, subject, b"x")
    files = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert [path.name for path in files] == [".careloom-blobs"]


async def test_an_unmounted_folder_is_down_and_not_empty(
    keyring: Keyring, subject: str, tmp_path: Path
) -> None:
    root = tmp_path / "blobs"
    blobs = Blobs(FolderStore.open(root), keyring)
    ref = await blobs.put(SCOPE, subject, b"x")
    root.rename(tmp_path / "away")
    root.mkdir()
    for attempt in (
        blobs.get(SCOPE, ref.id),
        blobs.put(SCOPE, subject, b"y"),
        blobs.delete(SCOPE, ref.id),
        blobs.check(),
    ):
        with pytest.raises(Unavailable):
            await attempt
    root.rmdir()
    (tmp_path / "away").rename(root)
    await blobs.check()
    assert await blobs.get(SCOPE, ref.id) == b"x"


async def test_an_s3_store_that_is_down_or_has_no_such_bucket_is_unavailable(
    keyring: Keyring, subject: str, tmp_path: Path, s3_endpoint: str
) -> None:
    for target in (f"other?endpoint={s3_endpoint}", f"{BUCKET}?endpoint=http://127.0.0.1:9"):
        env = {
            "CARELOOM_HOME": str(tmp_path),
            "CARELOOM_BLOBS": f"s3://{target}",
            "CARELOOM_S3_ACCESS_KEY": "test",
            "CARELOOM_S3_SECRET_KEY": "test",
        }
        blobs = open_blobs(Settings.from_environment(env), keyring)
        with pytest.raises(Unavailable):
            await blobs.put(SCOPE, subject, b"x")
        with pytest.raises(Unavailable):
            await blobs.check()
