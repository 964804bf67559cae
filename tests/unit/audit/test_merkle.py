"""Merkle trees, against the published vectors of Certificate Transparency."""

from __future__ import annotations

import hashlib

import pytest

from careloom.audit.merkle import follow, leaf, levels, path, root

DATA = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [hashlib.sha256(b"\x00" + bytes.fromhex(data)).digest() for data in DATA]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_root_is_that_of_rfc_6962(size: int) -> None:
    assert root(LEAVES[:size]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 100, 257])
def test_every_leaf_has_a_path_to_the_root_and_no_other_leaf_takes_it(size: int) -> None:
    leaves = [leaf(i, bytes(32)) for i in range(size)]
    tree = levels(leaves)
    for index in range(size):
        steps = path(tree, index)
        assert follow(leaves[index], steps) == root(leaves)
        assert follow(leaf(index, b"\x01" * 32), steps) != root(leaves)
        assert follow(leaf(index + 1, bytes(32)), steps) != root(leaves)
