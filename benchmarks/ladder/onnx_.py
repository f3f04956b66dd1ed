"""ONNX Runtime as a contender in prediction."""

from __future__ import annotations

import importlib
from typing import Any

from benchmarks.ladder.contender import Array

helper: Any = importlib.import_module("onnx.helper")
numpy_helper: Any = importlib.import_module("onnx.numpy_helper")
runtime: Any = importlib.import_module("onnxruntime")
_OPSET, _IR_VERSION, _FLOAT = 17, 8, 1


class Predictor:
    """Probabilities of a plain relu classifier: Gemm, Relu, Gemm, …, Softmax.

    Args:
        parameters: W1, b1, W2, … as arrays.
        threads: within an operator.
    """

    def __init__(self, parameters: dict[str, Array], threads: int) -> None:
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        self.session = runtime.InferenceSession(
            _model(parameters).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, X: Array) -> Array:
        """Return the probabilities."""
        return self.session.run(None, {"X": X})[0]


def _model(parameters: dict[str, Array]) -> Any:
    count = len(parameters) // 2
    nodes: list[Any] = []
    last = "X"
    for i in range(1, count + 1):
        nodes.append(helper.make_node("Gemm", [last, f"W{i}", f"b{i}"], [f"Z{i}"]))
        last = f"A{i}" if i < count else "P"
        nodes.append(helper.make_node("Relu" if i < count else "Softmax", [f"Z{i}"], [last]))
    inputs, outputs = parameters["W1"].shape[0], parameters[f"b{count}"].shape[0]
    graph = helper.make_graph(
        nodes,
        "perceptron",
        [helper.make_tensor_value_info("X", _FLOAT, ["m", inputs])],
        [helper.make_tensor_value_info("P", _FLOAT, ["m", outputs])],
        [numpy_helper.from_array(array, name) for name, array in parameters.items()],
    )
    opset = helper.make_opsetid("", _OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
