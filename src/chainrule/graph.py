"""The public Graph: a network as named equations, with the methods people use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import DataError, NamingError, UnknownNameError, nearest
from chainrule.execute.differences import GradientCheck, compare
from chainrule.execute.reference import Trace, run
from chainrule.ir.equality import same_graph
from chainrule.ir.graph import Graph as BaseGraph
from chainrule.ir.names import is_generated, normalized
from chainrule.ir.structural import Declaration
from chainrule.ir.value import Value
from chainrule.ir.verify import verify
from chainrule.nn.initializers import initialize
from chainrule.nn.scope import Scope
from chainrule.notation.elaborate import parse_into
from chainrule.notation.latex import to_latex
from chainrule.notation.text import equations, to_text, updates
from chainrule.optim.optimizer import Optimizer
from chainrule.train.step import Step, starts_of_states, training_step
from chainrule.transform.gradient import gradient
from chainrule.transform.lower import lower
from chainrule.transform.prediction import for_prediction
from chainrule.transform.rewrite import Firing, simplify


class Graph(BaseGraph):
    """A network as a list of named equations.

    Assigning to an attribute names a value; reading one returns it. A name that is also a method's
    is given in brackets, `g["run"]`.

    Example:
        >>> import chainrule as cr
        >>> g = cr.Graph()
        >>> g.X, g.W1, g.b1 = cr.data("m", 4), cr.parameter(4, 3), cr.parameter(3)
        >>> g.Z1 = g.X @ g.W1 + g.b1
        >>> g.A1 = cr.tanh(g.Z1)
        >>> g.J = cr.sum(g.A1) / cr.size("m")
        >>> print(g.gradient("J").text(section="backward"))
        dJ  = 1                   : ()
        dA1 = expand(1/m, (m, 3)) : (m, 3)
        dZ1 = dA1 ⊙ (1 − A1²)     : (m, 3)
        db1 = Σₘ dZ1              : (3)
        dW1 = Xᵀ dZ1              : (4, 3)
    """

    def __init__(self) -> None:
        super().__init__()
        self._fired: tuple[Firing, ...] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        elif hasattr(type(self), name):
            raise NamingError(f"{name} is a method of Graph.", fix=f'write g["{name}"] instead of g.{name}.')
        else:
            self[name] = value

    def __getattr__(self, name: str) -> Value:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if is_generated(name):
            raise NamingError(
                f"{name} is kept for the printer, which calls unnamed values t1, t2, …",
                fix=f"call it {name.upper()}, for example.",
            )
        if not isinstance(value, Value | Declaration):
            raise NamingError(
                f"{name} would name a {type(value).__name__}, which is no value of a graph.",
                fix=f"declare it, g.{name} = chainrule.data(…) or parameter(…), pass numbers to run().",
            )
        super().__setitem__(name, value)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.names]

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        equations = sum(1 for value in self.names.values() if value.inputs)
        return f"<Graph of {equations} equations, {len(self.leaves('parameter'))} parameters>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle a graph as what it is, a document."""
        return parse, (self.text(),)

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    @property
    def fired(self) -> tuple[Firing, ...]:
        """The rewriting rules that made this graph, in order; empty before `simplify`."""
        return self._fired

    def text(
        self,
        *,
        section: str | None = None,
        ascii: bool = False,
        shapes: bool = True,
        only: Iterable[str] | None = None,
    ) -> str:
        """Return the graph as text.

        Args:
            section: "forward", "backward" or "update" for that part alone; a whole document, which
                `parse` reads back, if omitted.
            ascii: write with the signs of an English keyboard alone.
            shapes: whether equations end with their shapes.
            only: names of the equations wanted.
        """
        if section == "update":
            needed = equations(self, ascii=ascii, shapes=shapes, section="update")
            changes = updates(self, ascii=ascii, shapes=shapes)
            return "\n".join(part for part in (needed, changes) if part)
        if section is None and only is None:
            return to_text(self, ascii=ascii, shapes=shapes)
        if section not in (None, "forward", "backward"):
            raise UnknownNameError(
                f"there is no section {section}.", fix=nearest(section, ["forward", "backward", "update"])
            )
        names = None if only is None else set(only)
        return equations(self, ascii=ascii, shapes=shapes, section=section, only=names)  # type: ignore[arg-type]  # checked above

    def latex(self, *, section: str | None = None, shapes: bool = True) -> str:
        """Return the equations as a LaTeX `aligned` environment; see `text` for the sections."""
        return to_latex(self, section=section, shapes=shapes)

    def verify(self) -> None:
        """Check the typing rules of the graph; see `chainrule.ir.verify`."""
        verify(self)

    def same_as(self, other: BaseGraph) -> bool:
        """Tell whether two graphs are equal but for the printer's names and the order of equations."""
        return same_graph(self, other)

    def gradient(
        self, objective: str = "J", wrt: str | Iterable[str] | None = None, *, prefix: str | None = None
    ) -> Graph:
        """Return a new graph with the backward pass, ∂J/∂V named dV; see `chainrule.transform.gradient`."""
        return gradient(self, objective, wrt, prefix=prefix)

    def simplify(self) -> Graph:
        """Return the graph after rewriting, without dead values; `fired` lists the rules."""
        result, fired = simplify(self)
        result._fired = (*self._fired, *fired)
        return result

    def for_prediction(self, outputs: str | Iterable[str]) -> Graph:
        """Return the graph of some outputs alone, with only the leaves they need.

        Each op stands there by its prediction rule: dropout changes nothing, batch normalization uses its
        running statistics.
        """
        return for_prediction(self, outputs)

    def lower(self) -> Graph:
        """Return an equal graph in which composite ops are written out by their definitions."""
        return lower(self)

    def step(self, optimizer: Optimizer, objective: str = "J") -> Step[Graph]:
        """Return a training step as one graph: forward, loss, backward and the optimizer's updates."""
        return training_step(self, optimizer, objective)

    def initialize(
        self,
        sizes: Mapping[str, int] | None = None,
        scheme: str | Mapping[str, str] = "glorot",
        *,
        seed: int = 0,
    ) -> dict[str, Any]:
        """Draw every parameter; see `chainrule.nn.initializers.initialize`."""
        return initialize(self, sizes, scheme, said=Scope.of(self).schemes, seed=seed)

    def run(self, *, dtype: Any = np.float64, **arrays: Any) -> Trace:
        """Compute every value; `trace["dZ1"]` is any of them by name.

        Args:
            dtype: floating-point type.
            **arrays: arrays or numbers by the names of data, parameters and hyperparameters.

        Raises:
            ChainruleError: a name is unknown or missing, or shapes, kinds or domains do not fit.
        """
        return run(self, arrays, dtype)

    def check_gradients(
        self,
        objective: str = "J",
        wrt: str | Iterable[str] | None = None,
        *,
        tolerance: float = 1e-6,
        most: int = 200,
        seed: int = 0,
        **arrays: Any,
    ) -> GradientCheck:
        """Compare the gradients with central differences in float64.

        Args:
            objective: name of the scalar.
            wrt: names of real leaves; all parameters that are not frozen if omitted.
            tolerance: the largest relative difference that counts as agreement.
            most: the most elements compared for one leaf.
            seed: of the choice among more elements than that, and of random masks.
            **arrays: arrays or numbers by the names of the leaves; states may be left out where their
                shapes are numbers, and are as they start.

        Returns:
            A table, true if all agree: per leaf the worst index, the analytic and the numeric value,
            step and tolerance.
        """
        names = [wrt] if isinstance(wrt, str) else wrt
        names = None if names is None else list(names)
        for name in names or ():
            if self[name].op.name != "leaf":
                raise DataError(
                    f"{name} is computed, so it cannot be moved by itself.",
                    fix="check with respect to parameters or data.",
                )
        graph, found = self._gradients_of(objective, names)
        arrays = {**self._starting_states(seed), **{normalized(n): array for n, array in arrays.items()}}
        return compare(graph, objective, found, arrays, tolerance=tolerance, most=most, seed=seed)

    def _starting_states(self, seed: int) -> dict[str, Any]:
        """Return the states as they start, and the seed of random masks if there are any."""
        states: dict[str, Any] = {"seed": seed} if "seed" in self else {}
        for name, start in starts_of_states(self).items():
            sizes = [size for size in self[name].shape if isinstance(size, int)]
            if len(sizes) == self[name].ndim:
                states[name] = np.full(sizes, start)
        return states

    def _gradients_of(self, objective: str, wrt: list[str] | None) -> tuple[Graph, Mapping[str, str]]:
        graph = self.gradient(objective, wrt)
        free = [leaf for leaf in self.leaves("parameter") if not leaf.attributes["frozen"]]
        leaves = wrt if wrt is not None else [self.names_of(leaf)[0] for leaf in free]
        new = [gradient for gradient in graph.gradients if gradient not in self]
        return graph, {d: name for d in new if (name := graph.gradients[d]) in leaves}


def parse(text: str, *, source: str = "") -> Graph:
    """Return the graph that a document of equations describes.

    Args:
        text: declarations, equations and updates in the `plain` dialect.
        source: name of the file, for messages.

    Raises:
        ParseError: with line and column, what was read and what was expected.
        ShapeError: shapes that do not fit, with the line.

    >>> print(parse("sizes m\\ndata X : (m, 2)\\nparameter W : (2)\\nJ = mean(X W)").text(section="forward"))
    J = mean(X W) : ()
    """
    return parse_into(Graph(), text, source=source)


def read(path: str | Path) -> Graph:
    """Return the graph in an `.eqn` file.

    Raises:
        DataError: the file cannot be read.
        ParseError: see `parse`.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(f"there is no file {file}.", where="", fix="check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise DataError(f"{file} cannot be read: {reason}.", where="") from None
    return parse(text, source=file.name)
