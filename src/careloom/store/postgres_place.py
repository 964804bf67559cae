"""Where the embedded PostgreSQL lives and as whom it runs.

An ordinary user runs it as himself, inside the home. PostgreSQL refuses to run as root, so root
runs it as the OS user `careloom`, from folders that this user can reach.
"""

from __future__ import annotations

import errno
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from careloom.errors import ConfigurationError

OS_USER = "careloom"
ROOT_BASE = Path("/var/lib/careloom")
_POINTER = "postgresql-location"
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_LIMIT = 103
"""The shortest limit among the systems we run on (macOS; Linux has 107), in bytes."""


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """The folders of one embedded server and the OS user that it runs as."""

    folder: Path
    socket_folder: Path
    user: str
    uid: int
    gid: int
    as_root: bool

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def users(self) -> Path:
        """One lock file per attached process."""
        return self.folder / "users"

    @property
    def gate(self) -> Path:
        """Held while a process registers, and while the server is being stopped."""
        return self.folder / "gate.lock"

    @property
    def watch(self) -> Path:
        """Held by the one process that starts and stops the server."""
        return self.folder / "watch.lock"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def socket(self) -> Path:
        return self.socket_folder / _SOCKET_NAME

    @classmethod
    def of(cls, home: Path) -> ServerPlace:
        """The place for a home; makes its folders. Raises `ConfigurationError`."""
        try:
            return cls._of(home)
        except OSError as error:
            raise unusable(home, error) from error

    @classmethod
    def _of(cls, home: Path) -> ServerPlace:
        as_root = os.geteuid() == 0
        mode = 0o711 if as_root else 0o700
        _make_folder(home, mode)
        entry = _service_user() if as_root else _own_user()
        folder = home / "pg"
        if as_root and not _can_reach(home, entry):
            folder = _folder_elsewhere(home, entry)
        _make_folder(folder, mode)
        _make_folder(folder / "users", 0o700)
        place = cls(
            folder, _socket_folder(folder), entry.pw_name, entry.pw_uid, entry.pw_gid, as_root
        )
        place.make_socket_folder()
        return place

    def make_socket_folder(self) -> None:
        """Make the folder of the socket, for its owner only; it may be in /tmp, open to all."""
        try:
            self.socket_folder.mkdir(mode=0o700)
            if self.as_root:
                os.chown(self.socket_folder, self.uid, self.gid)
        except FileExistsError:
            # Another first starter may be between mkdir and chown.
            for _ in range(50):
                found = self.socket_folder.lstat()
                if found.st_uid == self.uid:
                    break
                time.sleep(0.01)
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.uid or found.st_mode & 0o077:
                raise ConfigurationError(
                    f"The socket folder {self.socket_folder} belongs to someone else",
                    fix="remove it, or set CARELOOM_HOME to a shorter path",
                ) from None


def unusable(home: Path, error: OSError) -> ConfigurationError:
    """What to do when the data folder does not take what must be written."""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return ConfigurationError(
        f"The data folder {error.filename or home} cannot be used: {error.strerror}",
        fix="free some space, then start again"
        if is_full
        else "make it writable for the user that runs careloom, or set CARELOOM_HOME",
    )


def _make_folder(folder: Path, mode: int) -> None:
    """Make a folder with this mode whatever the umask; one that exists stays as it is."""
    if not folder.is_dir():
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        folder.chmod(mode)


def _own_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise ConfigurationError(
            f"User id {os.geteuid()} has no entry in /etc/passwd, which PostgreSQL needs",
            fix="add an entry for it, or set DATABASE_URL",
        ) from error


def _service_user() -> pwd.struct_passwd:
    """The OS user that PostgreSQL runs as under root; made when it is missing."""
    for _ in range(5):
        try:
            return pwd.getpwnam(OS_USER)
        except KeyError:
            _add_service_user()
    raise ConfigurationError(
        f"The OS user {OS_USER} could not be made",
        fix=f"run: useradd --system --user-group --no-create-home {OS_USER}",
    )


def _add_service_user() -> None:
    command = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if command is None:
        raise ConfigurationError(
            f"PostgreSQL refuses to run as root, and there is no useradd to make user {OS_USER}",
            fix=f"add a system user named {OS_USER}, run as an ordinary user, or set DATABASE_URL",
        )
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", str(ROOT_BASE)]
    # A failure may mean that another first starter holds /etc/passwd; the caller looks again.
    done = subprocess.run(
        [command, *options, "--shell", "/usr/sbin/nologin", OS_USER], capture_output=True
    )
    if done.returncode != 0:
        time.sleep(0.2)


def _can_reach(folder: Path, entry: pwd.struct_passwd) -> bool:
    """Whether the user may walk into a folder: every part of the path lets it through."""
    resolved = folder.resolve()
    return all(_lets_through(part, entry) for part in (resolved, *resolved.parents))


def _lets_through(folder: Path, entry: pwd.struct_passwd) -> bool:
    found = folder.stat()
    if found.st_uid == entry.pw_uid:
        return bool(found.st_mode & 0o100)
    if found.st_gid == entry.pw_gid:
        return bool(found.st_mode & 0o010)
    return bool(found.st_mode & 0o001)


def _folder_elsewhere(home: Path, entry: pwd.struct_passwd) -> Path:
    """A folder under /var/lib/careloom for a home that only root can enter.

    A file in the home names it, so that a home that is removed and made again starts empty.
    """
    pointer = home / _POINTER
    if not pointer.exists():
        draft = home / f".{_POINTER}.{secrets.token_hex(6)}"
        draft.write_text(f"{ROOT_BASE / secrets.token_hex(8)}\n")
        try:
            os.link(draft, pointer)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    folder = Path(pointer.read_text().strip())
    _make_folder(ROOT_BASE, 0o711)
    _make_folder(folder, 0o711)
    (folder / "home").write_text(f"{home}\n")
    if not _can_reach(folder, entry):
        raise ConfigurationError(
            f"The OS user {OS_USER} cannot enter {folder}", fix=f"chmod o+x {ROOT_BASE}"
        )
    return folder / "pg"


def _socket_folder(folder: Path) -> Path:
    inside = folder / "socket"
    if len(os.fsencode(inside / _SOCKET_NAME)) <= _SOCKET_LIMIT:
        return inside
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path("/tmp") / f"careloom-{name}"  # noqa: S108 - ownership is checked
