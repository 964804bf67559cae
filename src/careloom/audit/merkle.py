"""Merkle trees (RFC 6962, section 2.1): a root over leaves, and the path that proves one leaf."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def leaf(pos: int, content_hash: bytes) -> bytes:
    """The leaf of a chain position: it binds the row's content to its place."""
    return leaves(pos, [content_hash])[0]


def leaves(first: int, hashes: Sequence[bytes]) -> list[bytes]:
    """The leaves of a stretch of the chain that begins at a position."""
    return [
        sha256(b"\x00" + pos.to_bytes(8, "big") + content_hash).digest()
        for pos, content_hash in enumerate(hashes, first)
    ]


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The tree over at least one leaf, from the leaves up to the root."""
    tree = [list(leaves)]
    while len(tree[-1]) > 1:
        tree.append(_parents(tree[-1]))
    return tree


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over at least one leaf."""
    return levels(leaves)[-1][0]


def path(tree: Sequence[Sequence[bytes]], index: int) -> list[tuple[str, bytes]]:
    """The neighbours from a leaf up to the root, each with the side on which it stands: L or R."""
    steps = []
    for level in tree[:-1]:
        other = index ^ 1
        if other < len(level):
            steps.append(("L" if other < index else "R", level[other]))
        index //= 2
    return steps


def follow(start: bytes, steps: Sequence[tuple[str, bytes]]) -> bytes:
    """The root that a leaf and its path give."""
    found = start
    for side, other in steps:
        found = _node(other, found) if side == "L" else _node(found, other)
    return found


def _parents(level: list[bytes]) -> list[bytes]:
    # An odd one out moves up unchanged: the same tree as RFC 6962's split by powers of two.
    every = iter(level)
    two = zip(every, every, strict=False)
    pairs = [sha256(b"\x01" + left + right).digest() for left, right in two]
    return pairs if len(level) % 2 == 0 else [*pairs, level[-1]]


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
