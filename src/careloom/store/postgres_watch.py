"""The watcher: starts the embedded PostgreSQL, keeps it up while it has users, then stops it.

Run as `python -m careloom.store.postgres_watch HOME PIPE`; a failure is reported to the descriptor
PIPE. There is one per home. It holds no data and no connection, and it decides by locks that vanish
with their processes, so any process may be killed: a killed postmaster is started again by the
watcher, a killed watcher by the next user.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

from careloom.errors import ConfigurationError
from careloom.store.file_lock import FileLock, remove_unlocked
from careloom.store.postgres_cluster import Cluster
from careloom.store.postgres_place import ServerPlace, unusable

_TURN = 0.2
"""Seconds between two looks at the users."""


def main(arguments: list[str]) -> int:
    home, report = Path(arguments[0]), int(arguments[1])
    # The end of a session or a service reaches the users first; the server outlasts them.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    try:
        _watch(ServerPlace.of(home))
    except (ConfigurationError, OSError) as error:
        found = unusable(home, error) if isinstance(error, OSError) else error
        with contextlib.suppress(BrokenPipeError), os.fdopen(report, "w") as pipe:
            pipe.write(json.dumps({"message": found.message, "fix": found.fix}))
        return 1
    return 0


def _watch(place: ServerPlace) -> None:
    lock = FileLock(place.watch)
    if not lock.acquire(timeout=0.5):
        return
    cluster = Cluster(place)
    cluster.start()
    gate = FileLock(place.gate)
    while True:
        time.sleep(_TURN)
        if gate.try_acquire():
            if remove_unlocked(place.users) == 0:
                cluster.stop()
                return
            gate.release()
        if cluster.is_running() and not place.socket.exists():
            cluster.stop()  # Something cleaned the folder up: nobody can connect any more.
        if not cluster.is_running():
            cluster = Cluster(place)
            cluster.start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
