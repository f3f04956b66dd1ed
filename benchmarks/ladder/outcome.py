"""What a rung came to, as it is passed between processes and written down."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.ladder.workloads import Goal

OWN = "chainrule"


@dataclass(frozen=True)
class Column:
    """One contender on one rung.

    Attributes:
        name: of the contender.
        figures: of each slice, in the rung's unit.
        shares: of the multiply-add peak, by slice; none where it is not known.
        facts: what else is known: steps in a slice, losses, how far weights are from the reference's.
    """

    name: str
    figures: Sequence[float]
    shares: Sequence[float] = ()
    facts: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def best(self) -> float:
        """The least."""
        return min(self.figures)

    @property
    def median(self) -> float:
        """The one in the middle."""
        return statistics.median(self.figures)

    @property
    def share(self) -> float | None:
        """The share of the peak in the middle."""
        return statistics.median(self.shares) if self.shares else None


@dataclass(frozen=True)
class Outcome:
    """One rung.

    Attributes:
        rung: its name.
        title: what it is.
        unit: of the figures.
        cores: how many it was pinned to.
        columns: the contenders, chainrule first.
        goal: what is to be reached.
        peers: the contenders chainrule is held against.
    """

    rung: str
    title: str
    unit: str
    cores: int
    columns: Sequence[Column]
    goal: Goal
    peers: Sequence[str]

    @property
    def own(self) -> Column:
        """chainrule's figures."""
        return next(column for column in self.columns if column.name == OWN)

    def best_peer(self, of: str) -> Column | None:
        """Return the peer with the least best or the least median."""
        peers = [column for column in self.columns if column.name in self.peers]
        return min(peers, key=lambda column: getattr(column, of), default=None)

    def ratio(self, of: str) -> float | None:
        """Return the best peer's figure over chainrule's, of bests or of medians."""
        peer = self.best_peer(of)
        return None if peer is None else getattr(peer, of) / getattr(self.own, of)

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached, by the bests and by the medians; None without one to judge."""
        checks: list[bool] = []
        ratios = self.ratio("best"), self.ratio("median")
        if self.goal.ratio is not None:
            checks += [ratio >= self.goal.ratio for ratio in ratios if ratio is not None]
        if self.goal.share is not None and self.own.share is not None:
            checks.append(self.own.share >= self.goal.share)
        if self.goal.most is not None:
            checks.append(max(self.own.best, self.own.median) <= self.goal.most)
        return all(checks) if checks else None

    def as_data(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    @staticmethod
    def of_data(data: Mapping[str, Any]) -> Outcome:
        """Return what `as_data` was made from."""
        columns = [Column(**column) for column in data["columns"]]
        return Outcome(**{**data, "columns": columns, "goal": Goal(**data["goal"])})
