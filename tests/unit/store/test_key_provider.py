"""The master key file: made once, private, and refused when it is not right."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from careloom.errors import ConfigurationError
from careloom.store.key_provider import FileKeyProvider, WrongKey


def test_a_wrapped_key_opens_with_the_same_file_only(tmp_path: Path) -> None:
    provider = FileKeyProvider.create(tmp_path / "a")
    wrapped = provider.wrap(b"k" * 32)
    assert b"k" * 8 not in wrapped
    assert FileKeyProvider.load(tmp_path / "a").unwrap(wrapped) == b"k" * 32
    with pytest.raises(WrongKey):
        FileKeyProvider.create(tmp_path / "b").unwrap(wrapped)
    with pytest.raises(WrongKey):
        provider.unwrap(b"short")


def test_the_fingerprint_names_the_key_without_showing_it(tmp_path: Path) -> None:
    provider = FileKeyProvider.create(tmp_path / "a")
    assert provider.fingerprint == FileKeyProvider.load(tmp_path / "a").fingerprint
    assert provider.fingerprint.startswith("file:")
    assert provider.fingerprint.removeprefix("file:") not in (tmp_path / "a").read_text()


def test_the_file_and_its_folder_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        FileKeyProvider.create(tmp_path / "keys" / "master.key")
    finally:
        os.umask(before)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys" / "master.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["master.key"]


def test_of_many_makers_all_get_the_first_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(FileKeyProvider.create, [tmp_path / "key"] * 32))
    assert len({provider.fingerprint for provider in made}) == 1


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o644])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    FileKeyProvider.create(path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="open to other users") as refused:
        FileKeyProvider.load(path)
    assert refused.value.fix == f"chmod 600 {path}"


@pytest.mark.parametrize("content", [b"", b"not a key", b"ab" * 31, b"\xff" * 32])
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError):
        FileKeyProvider.load(path)


def test_a_missing_file_is_not_made_when_there_are_data(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is missing"):
        FileKeyProvider.load_or_create(tmp_path / "key", may_create=False)
    assert not (tmp_path / "key").exists()
