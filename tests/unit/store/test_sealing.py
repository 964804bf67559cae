"""Sealing with one data key: no nonce twice, small things stay small."""

from __future__ import annotations

import os
import secrets
from concurrent.futures import ThreadPoolExecutor

from careloom.store.keys import DataKey

KEY = DataKey(("default", "p"), b"\0" * 7 + b"\1", secrets.token_bytes(32), 0.0)


def nonce(sealed: bytes) -> bytes:
    return sealed[9:21]


def test_no_nonce_is_used_twice_by_any_thread() -> None:
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda _: KEY.seal("place", b"x"), range(20_000)))
    assert len({nonce(message) for message in sealed}) == 20_000


def test_a_forked_process_does_not_repeat_its_parents_nonces() -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, nonce(KEY.seal("place", b"x")))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(read, 12)
    os.close(read)
    os.close(write)
    assert theirs[:8] != nonce(KEY.seal("place", b"x"))[:8]


def test_only_what_shrinks_is_compressed() -> None:
    assert KEY.seal("place", b"a" * 1024)[:1] == b"\1"
    assert KEY.seal("place", b"a" * 1025)[:1] == b"\2"
    assert KEY.seal("place", secrets.token_bytes(5000))[:1] == b"\1"
    assert KEY.seal("place", b"a" * 5000, compress=False)[:1] == b"\1"


def test_the_sealed_form_adds_37_bytes() -> None:
    assert len(KEY.seal("place", b"x" * 100)) == 100 + 1 + 8 + 12 + 16
