"""Locks that vanish with their process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from careloom.store.file_lock import FileLock, is_locked, remove_unlocked


def test_a_lock_is_held_by_one_until_it_is_released(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert not is_locked(tmp_path / "lock")
    assert first.try_acquire()
    assert is_locked(tmp_path / "lock")
    assert not second.try_acquire()
    assert not second.acquire(timeout=0.05)
    first.release()
    assert second.acquire(timeout=5)
    second.release()
    assert not is_locked(tmp_path / "lock")


def test_the_lock_of_a_killed_process_is_free_and_its_file_removed(tmp_path: Path) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        FileLock(tmp_path / "child").try_acquire()
        os.write(write, b".")
        signal.pause()
    os.read(read, 1)
    os.close(read)
    os.close(write)
    mine = FileLock(tmp_path / "mine")
    assert mine.try_acquire()
    assert remove_unlocked(tmp_path) == 2
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert remove_unlocked(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    mine.release()
