"""What kernels are written for."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.execute.native.arrays import Layout
from chainrule.execute.native.target import Target


@dataclass(frozen=True)
class Machine:
    """What kernels are written for.

    Attributes:
        target: the processor.
        real: float or double, the precision of arrays.
        layout: how arrays lie in memory.
    """

    target: Target
    real: str
    layout: Layout
