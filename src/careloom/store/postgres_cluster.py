"""Make, start, stop and mend one PostgreSQL cluster. Called by the watcher only.

Everything here may be repeated after a crash at any point.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from careloom.errors import ConfigurationError
from careloom.store.postgres_binaries import MAJOR, programs
from careloom.store.postgres_place import ServerPlace
from careloom.store.postgres_ready import accepts_connections
from careloom.store.synced import sync_folder

ROLE = "careloom"
"""The database role of the embedded server's owner."""
_LOG_LIMIT = 16 << 20
_START_LIMIT = 120.0
"""Seconds that a start may take; crash recovery is part of it."""
_LITTLE_SPACE = 1 << 20
_STOP_LIMIT = 60.0
_PR_SET_PDEATHSIG = 1
_SYNC = "syncfs" if sys.platform == "linux" else "fsync"
"""One call for the whole disk instead of one for each of a thousand files."""
_SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
data_directory = '{data}'
hba_file = '{folder}/pg_hba.conf'
ident_file = '{folder}/pg_ident.conf'
max_connections = 200
shared_buffers = {buffers}
huge_pages = off
max_parallel_workers_per_gather = 0
fsync = on
synchronous_commit = on
full_page_writes = on
recovery_init_sync_method = {sync}
wal_level = replica
wal_buffers = 16MB
min_wal_size = 160MB
max_wal_size = 2GB
checkpoint_timeout = 10min
jit = off
random_page_cost = 1.1
autovacuum_naptime = 15s
autovacuum_vacuum_cost_limit = 1000
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_autovacuum_min_duration = -1
# A statement or a DETAIL can carry patient data: neither is logged.
log_min_error_statement = panic
log_error_verbosity = terse
# Your own settings, kept:
include_if_exists = '{folder}/custom.conf'
"""
_HBA = "local all all peer map=careloom\nlocal replication all peer map=careloom\n"
_CAUSES = (
    ("No space left on device", "the disk is full", "free some space, then start again"),
    ("Read-only file system", "the disk is read-only", "mount it for writing, or move the data"),
    ("invalid permissions", "its permissions were changed", "chmod 700 {data}"),
    ("wrong ownership", "it belongs to another user", "chown -R {user} {data}"),
    ("Permission denied", "user {user} may not use it", "chown -R {user} {data}"),
    (
        "Cannot allocate memory",
        "there is too little memory",
        "lower shared_buffers in {folder}/custom.conf",
    ),
)


@dataclass(slots=True)
class Cluster:
    """One cluster: `prepare`, `start`, then `is_running` until `stop`."""

    place: ServerPlace
    _process: subprocess.Popen[bytes] | None = None
    _adopted: psutil.Process | None = None
    _log_offset: int = 0

    def start(self) -> None:
        """Start the server, or adopt the one that runs; returns when it accepts connections.

        Makes the cluster first when there is none. Raises `ConfigurationError`.
        """
        for _ in range(3):
            self._adopted = self._postmaster()
            if self._adopted is None:
                self._sweep()
                self.place.make_socket_folder()
                self._make()
                self._write_settings()
                self._spawn()
            if self._wait_ready():
                return
            # One that was adopted while it was shutting down ends; then a new one is started.
        raise self._explain("did not start", self._log_end())

    def is_running(self) -> bool:
        if self._process is not None:
            return self._process.poll() is None
        return self._adopted is not None and self._is_alive(self._adopted)

    def stop(self) -> None:
        """Fast shutdown with a checkpoint; harder when that takes longer than a minute."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if not self.is_running():
                return
            target = self._process or self._adopted
            if target is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    target.send_signal(number)
            _wait(lambda: not self.is_running(), _STOP_LIMIT)

    def _postmaster(self) -> psutil.Process | None:
        """The running postmaster of this data folder, proved by its user and working folder."""
        try:
            pid = int((self.place.data / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            return process if self._is_ours(process) else None
        except (OSError, ValueError, psutil.Error):
            return None

    def _is_ours(self, process: psutil.Process) -> bool:
        return (
            process.uids().real == self.place.uid
            and process.name() == "postgres"
            and Path(process.cwd()) == self.place.data.resolve()
            and process.status() != psutil.STATUS_ZOMBIE
        )

    def _sweep(self) -> None:
        """After a killed postmaster: end its children, then remove what it left behind.

        A child that still writes beside a new server would damage the data.
        """
        left = [self.place.data / "postmaster.pid", Path(f"{self.place.socket}.lock")]
        if (self.place.data / "postmaster.pid").exists():
            children = list(filter(self._is_alive, psutil.process_iter()))
            for process in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            _wait(lambda: not any(map(self._is_alive, children)), _STOP_LIMIT)
        for path in (*left, self.place.socket):
            path.unlink(missing_ok=True)
        for draft in self.place.folder.glob("new-*"):
            shutil.rmtree(draft, ignore_errors=True)

    def _is_alive(self, process: psutil.Process) -> bool:
        """Whether it is a process of this server; one that waits to be reaped is not."""
        try:
            return self._is_ours(process)
        except psutil.Error:
            return False

    def _make(self) -> None:
        """initdb beside the final place, then rename: a half-made cluster is never used."""
        data = self.place.data
        if data.exists():
            self._check_data()
            return
        draft = self.place.folder / f"new-{secrets.token_hex(6)}"
        draft.mkdir(mode=0o700)
        if self.place.as_root:
            os.chown(draft, self.place.uid, self.place.gid)
        options = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin"]
        options.append(f"--sync-method={_SYNC}")
        done = subprocess.run(
            [
                programs(self.place) / "initdb",
                f"--pgdata={draft}",
                f"--username={ROLE}",
                "--auth=peer",
                "--data-checksums",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
                *options,
            ],
            **self._as_user(draft),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            preexec_fn=_end_with_parent(signal.SIGTERM),
        )
        if done.returncode != 0:
            error = self._explain("cannot be made", done.stderr.decode(errors="replace"))
            shutil.rmtree(draft, ignore_errors=True)
            raise error
        draft.rename(data)
        sync_folder(self.place.folder)

    def _check_data(self) -> None:
        data = self.place.data
        owner = data.stat().st_uid
        if owner != self.place.uid:
            raise ConfigurationError(
                f"The data folder {data} belongs to user id {owner}, not to {self.place.user}",
                fix=f"run careloom as that user, or: chown -R {self.place.user} {data}",
            )
        try:
            version = (data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise ConfigurationError(
                f"{data} is not a PostgreSQL data folder: PG_VERSION cannot be read",
                fix="restore it from the backup, or move it away to start empty",
            ) from error
        if version != MAJOR:
            raise ConfigurationError(
                f"The data folder {data} was written by PostgreSQL {version};"
                f" this careloom carries {MAJOR}",
                fix=f"upgrade it with pg_upgrade, or use DATABASE_URL with a server {version}",
            )

    def _write_settings(self) -> None:
        place = self.place
        memory = psutil.virtual_memory().total
        settings = _SETTINGS.format(
            socket=_quoted(place.socket_folder),
            data=_quoted(place.data),
            folder=_quoted(place.folder),
            sync=_SYNC,
            buffers="256MB" if memory > 3 << 30 else "64MB",
        )
        names = sorted({place.user, "root"} if place.as_root else {place.user})
        ident = "".join(f'careloom "{name}" {ROLE}\n' for name in names)
        for name, text in (
            ("postgresql.conf", settings),
            ("pg_hba.conf", _HBA),
            ("pg_ident.conf", ident),
        ):
            draft = place.folder / f".{name}"
            draft.write_text(text)
            draft.chmod(0o644)
            draft.replace(place.folder / name)

    def _spawn(self) -> None:
        log = self.place.log
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            log.chmod(0o600)
            self._log_offset = output.tell()
            self._process = subprocess.Popen(
                [
                    programs(self.place) / "postgres",
                    "-c",
                    f"config_file={self.place.folder / 'postgresql.conf'}",
                ],
                **self._as_user(self.place.data),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent(signal.SIGINT),
            )

    def _as_user(self, folder: Path) -> dict[str, Any]:
        """How a program of the server is run: its user, its folder, a clean environment."""
        options: dict[str, Any] = {
            "cwd": folder,
            "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(folder)},
        }
        if self.place.as_root:
            options |= {"user": self.place.uid, "group": self.place.gid, "extra_groups": []}
        return options

    def _wait_ready(self) -> bool:
        """True when it accepts connections, False when the adopted server ended instead."""
        ready = _wait(
            lambda: not self.is_running() or accepts_connections(self.place.socket, ROLE),
            _START_LIMIT,
        )
        if not ready:
            raise self._explain(f"did not start within {_START_LIMIT:.0f} s", "")
        if not self.is_running() and self._process is not None:
            raise self._explain("did not start", self._log_end())
        return self.is_running()

    def _log_end(self) -> str:
        with self.place.log.open("rb") as file:
            file.seek(max(self._log_offset, self.place.log.stat().st_size - (1 << 20)))
            return file.read().decode(errors="replace")

    def _explain(self, what: str, output: str) -> ConfigurationError:
        place = self.place
        if shutil.disk_usage(place.folder).free < _LITTLE_SPACE:
            output += _CAUSES[0][0]  # The log, too, may have found no space.
        values = {"data": place.data, "user": place.user, "folder": place.folder}
        for sign, cause, fix in _CAUSES:
            if sign in output:
                return ConfigurationError(
                    f"The embedded PostgreSQL in {place.data} {what}: {cause.format(**values)}",
                    fix=fix.format(**values),
                )
        lines = [line for line in output.splitlines() if "FATAL" in line or "error" in line]
        reason = f": {lines[-1].strip()}" if lines else ""
        return ConfigurationError(
            f"The embedded PostgreSQL in {place.data} {what}{reason}", fix=f"see {place.log}"
        )


def _end_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Linux: a killed watcher takes the server down with it (fast shutdown), so none is orphaned.

    The other users notice and start both again.
    """
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _wait(condition: Callable[[], bool], limit: float) -> bool:
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace("'", "''")
