"""The same forward pass under jax.numpy in float64, and its derivatives by JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from chainrule.execute.reference import bound_attributes
from chainrule.ir.value import Value
from tests.support.random_graphs import SIZES

jax.config.update("jax_enable_x64", True)


def forward_by_jax(graph: cr.Graph, arrays: dict[str, Any], name: str) -> Any:
    """Return one value of a graph, every op's forward evaluated under jax.numpy."""
    known: dict[Value, Any] = {graph[leaf]: jnp.asarray(array) for leaf, array in arrays.items()}
    for value in graph.walk([graph[name]]):
        if value not in known:
            attributes = bound_attributes(value, SIZES)
            known[value] = value.op.forward(jnp, *[known[x] for x in value.inputs], **attributes)
    return known[graph[name]]


def gradients_by_jax(graph: cr.Graph, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """Return the gradient of J with respect to each parameter that is not frozen."""
    free = [leaf for leaf in graph.leaves("parameter") if not leaf.attributes["frozen"]]
    names = [graph.names_of(leaf)[0] for leaf in free]

    def objective(parameters: dict[str, Any]) -> Any:
        return forward_by_jax(graph, {**arrays, **parameters}, "J")

    found = jax.grad(objective)({name: jnp.asarray(arrays[name]) for name in names})
    return {name: np.asarray(gradient) for name, gradient in found.items()}
