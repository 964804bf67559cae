"""What was fitted as an ONNX graph: rows of numbers in, a probability of each class out.

https://onnx.ai/onnx/operators/ and, for trees,
https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
OPERATORS, TREE_OPERATORS, FORMAT = 17, 3, 8
"""Versions of the operators and of the file, old enough for every ONNX Runtime that is allowed."""


class Network(Protocol):
    """A fitted model that can be written as a graph."""

    def nodes(self, onnx: Any) -> tuple[list[Any], list[Any]]:
        """(nodes, initial values) from `x` to the scores `s`, one column for two classes."""

    @property
    def classes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Linear:
    """weights (width × columns) and bias (columns)."""

    weights: Floats
    bias: Floats

    @property
    def classes(self) -> int:
        return max(2, int(self.weights.shape[1]))

    def nodes(self, onnx: Any) -> tuple[list[Any], list[Any]]:
        made, kept = onnx.helper.make_node, onnx.numpy_helper.from_array
        values = [
            kept(self.weights.astype(np.float32), "w"),
            kept(self.bias.astype(np.float32), "b"),
        ]
        return [made("MatMul", ["x", "w"], ["m"]), made("Add", ["m", "b"], ["s"])], values


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees of scikit-learn, each leaf times `rate`, and what is added to their sum."""

    trees: Sequence[Any]
    rate: float
    start: float

    @property
    def classes(self) -> int:
        return 2

    def nodes(self, onnx: Any) -> tuple[list[Any], list[Any]]:
        table = [row for number, tree in enumerate(self.trees) for row in _rows(number, tree)]
        leaves = [row for row in table if row[2] == "LEAF"]
        node = onnx.helper.make_node(
            "TreeEnsembleRegressor",
            ["x"],
            ["t"],
            domain="ai.onnx.ml",
            n_targets=1,
            nodes_treeids=[row[0] for row in table],
            nodes_nodeids=[row[1] for row in table],
            nodes_modes=[row[2] for row in table],
            nodes_featureids=[row[3] for row in table],
            nodes_values=[row[4] for row in table],
            nodes_truenodeids=[row[5] for row in table],
            nodes_falsenodeids=[row[6] for row in table],
            target_treeids=[row[0] for row in leaves],
            target_nodeids=[row[1] for row in leaves],
            target_ids=[0] * len(leaves),
            target_weights=[row[7] * self.rate for row in leaves],
        )
        start = onnx.numpy_helper.from_array(np.array([self.start], np.float32), "b")
        return [node, onnx.helper.make_node("Add", ["t", "b"], ["s"])], [start]


def exported(network: Network, width: int, onnx: Any) -> bytes:
    """The graph as a file of ONNX, checked."""
    helper, tensor = onnx.helper, onnx.TensorProto.FLOAT
    nodes, values = network.nodes(onnx)
    if network.classes == 2:
        one = onnx.numpy_helper.from_array(np.array([1], np.float32), "one")
        values.append(one)
        nodes += [
            helper.make_node("Sigmoid", ["s"], ["yes"]),
            helper.make_node("Sub", ["one", "yes"], ["no"]),
            helper.make_node("Concat", ["no", "yes"], ["p"], axis=1),
        ]
    else:
        nodes.append(helper.make_node("Softmax", ["s"], ["p"], axis=1))
    graph = helper.make_graph(
        nodes,
        "careloom",
        [helper.make_tensor_value_info("x", tensor, [None, width])],
        [helper.make_tensor_value_info("p", tensor, [None, network.classes])],
        values,
    )
    versions = [
        helper.make_opsetid("", OPERATORS),
        helper.make_opsetid("ai.onnx.ml", TREE_OPERATORS),
    ]
    model = helper.make_model(graph, opset_imports=versions, ir_version=FORMAT)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _rows(number: int, tree: Any) -> list[tuple[int, int, str, int, float, int, int, float]]:
    found = []
    for node in range(tree.node_count):
        is_leaf = tree.children_left[node] < 0
        found.append(
            (
                number,
                node,
                "LEAF" if is_leaf else "BRANCH_LEQ",
                0 if is_leaf else int(tree.feature[node]),
                0.0 if is_leaf else float(tree.threshold[node]),
                0 if is_leaf else int(tree.children_left[node]),
                0 if is_leaf else int(tree.children_right[node]),
                float(tree.value[node, 0, 0]) if is_leaf else 0.0,
            )
        )
    return found
