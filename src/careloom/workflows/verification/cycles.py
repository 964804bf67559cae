"""Cycles of a directed graph: steps that wait for each other, workflows that start each other."""

from __future__ import annotations

MAX_CYCLES = 20
"""So many are told; whoever has more corrects these first."""
_SHOWN = 12


def find_cycles(edges: dict[str, list[str]]) -> list[tuple[str, ...]]:
    """One cycle through each knot of a directed graph, each beginning with its first node; at
    most MAX_CYCLES."""
    cycles: list[tuple[str, ...]] = []
    done: set[str] = set()
    for start in edges:
        if start in done:
            continue
        trail: dict[str, None] = {start: None}
        branches = [iter(edges.get(start, ()))]
        while branches and len(cycles) < MAX_CYCLES:
            following = next(branches[-1], None)
            if following is None:
                branches.pop()
                done.add(trail.popitem()[0])
            elif following in trail:
                passed = list(trail)
                cycles.append(_turned(passed[passed.index(following) :], edges))
            elif following not in done:
                trail[following] = None
                branches.append(iter(edges.get(following, ())))
    return list(dict.fromkeys(cycles))


def shown(cycle: tuple[str, ...]) -> str:
    """`a → b → a`; the middle of a long one is left out."""
    names = [*cycle, cycle[0]]
    if len(names) > _SHOWN:
        names = [*names[: _SHOWN // 2], "…", *names[-_SHOWN // 2 :]]
    return " → ".join(names)


def _turned(cycle: list[str], edges: dict[str, list[str]]) -> tuple[str, ...]:
    order = {name: index for index, name in enumerate(edges)}
    first = min(range(len(cycle)), key=lambda i: order.get(cycle[i], 0))
    return (*cycle[first:], *cycle[:first])
