"""Cycles of a directed graph: steps that wait for each other, workflows that start each other."""

from __future__ import annotations


def find_cycles(edges: dict[str, list[str]]) -> list[tuple[str, ...]]:
    """One cycle through each knot of a directed graph, each beginning with its first node."""
    cycles: list[tuple[str, ...]] = []
    done: set[str] = set()
    for start in edges:
        if start in done:
            continue
        trail: list[str] = [start]
        branches = [iter(edges.get(start, ()))]
        while branches:
            following = next(branches[-1], None)
            if following is None:
                branches.pop()
                done.add(trail.pop())
            elif following in trail:
                cycles.append(_turned(trail[trail.index(following) :], edges))
            elif following not in done:
                trail.append(following)
                branches.append(iter(edges.get(following, ())))
    return list(dict.fromkeys(cycles))


def _turned(cycle: list[str], edges: dict[str, list[str]]) -> tuple[str, ...]:
    order = {name: index for index, name in enumerate(edges)}
    first = min(range(len(cycle)), key=lambda i: order.get(cycle[i], 0))
    return (*cycle[first:], *cycle[:first])
