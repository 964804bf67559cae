"""Which way a page is found, so that its cost does not grow with the store.

Few candidates: an index leads to them and they are sorted. Many: the rows of an index are gone
through in order, each candidate is tested, and the page is full after some of them.
"""

from __future__ import annotations

from careloom.fhir.search.nodes import SEEK, Leaf, Node, Order, drives, narrow, rank
from careloom.fhir.search.sql import Way, most


def plain_way(nodes: tuple[Node, ...], order: tuple[Order, ...]) -> Way | None:
    """The way that is right however many resources there are; None when that must be counted."""
    found = tuple(node for node in nodes if drives(node))
    if not found:
        return _along(order)
    least = min(found, key=rank)
    if narrow(least):
        return Way(driver=least)
    if not order and len(found) == 1 and isinstance(least, Leaf) and len(least.conditions) == 1:
        if least.way == SEEK:
            return Way(driver=least)
        if least.walk:
            return Way(walk=least)
    return None


def counted_way(nodes: tuple[Node, ...], order: tuple[Order, ...], counts: list[int]) -> Way:
    """The way by the number of candidates of each driving node."""
    found = [node for node in nodes if drives(node)]
    few = [n for n, node in enumerate(found) if counts[n] <= most(node)]
    if few:
        return Way(driver=found[min(few, key=lambda n: (counts[n], rank(found[n])))])
    leaves = sorted((n for n in found if isinstance(n, Leaf) and len(n.conditions) == 1), key=rank)
    if order:
        same = next((x for x in leaves if x.walk and x.param == order[0].param), None)
        return _along(order) if same is None else Way(walk=same)
    for leaf in leaves:
        if leaf.way == SEEK:
            return Way(driver=leaf)
    for leaf in leaves:
        if leaf.walk:
            return Way(walk=leaf)
    return Way()


def _along(order: tuple[Order, ...]) -> Way:
    """Along the first key of the order, or along the ids or times of the resources themselves."""
    if order and order[0].kind not in ("", "u"):
        return Way(walk=order[0])
    return Way()
