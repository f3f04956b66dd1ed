"""`chainrule explain --native`: what machine code makes of a network."""

from __future__ import annotations

from chainrule.cli.explain import Request, explained, network_from, with_sizes
from chainrule.execute.executor import checked_dtype
from chainrule.execute.native.explain import explain_native

_USUAL_SIZE = 32


def run_explain_native(request: Request, sizes: str, dtype: str) -> str:
    """Return phases, kernels and arena of a network's training step; sizes not given are 32."""
    graph, _ = explained(network_from(request.source), request)
    settled = with_sizes(dict.fromkeys(graph.letters, _USUAL_SIZE), sizes)
    return str(explain_native(graph, settled, checked_dtype(dtype)))
