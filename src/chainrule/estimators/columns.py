"""What was decided about each column of a table, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.estimators._metadata import damaged, field

_SHOWN = 5


@dataclass(frozen=True)
class NumericColumn:
    """A column of numbers: what is missing becomes the median, then all is standardized.

    Attributes:
        name: the column.
        median: stands in for missing values.
        mean: is subtracted.
        scale: divides, the standard deviation or 1.
        indicated: whether a further feature is 1 where the value was missing; so if any was in training.
    """

    name: str
    median: float
    mean: float
    scale: float
    indicated: bool

    def explain(self) -> str:
        """Return one line on what happens to the column."""
        missing = f"missing becomes the median {self.median:g}" + (", with a mark" if self.indicated else "")
        sign = "+" if self.mean < 0 else "−"
        return f"{self.name}: standardized, (x {sign} {abs(self.mean):.4g}) / {self.scale:.4g}; {missing}"

    def to_metadata(self) -> dict[str, Any]:
        """Return the column as data that JSON can hold."""
        return {
            "name": self.name,
            "median": self.median,
            "mean": self.mean,
            "scale": self.scale,
            "indicated": self.indicated,
        }

    @classmethod
    def from_metadata(cls, record: object) -> NumericColumn:
        """Return the column that `to_metadata` described.

        Raises:
            ModelFileError: the description does not make sense.
        """
        name, indicated = field(record, "name", str), field(record, "indicated", bool)
        median, mean, scale = (field(record, key, float) for key in ("median", "mean", "scale"))
        if scale <= 0:
            raise damaged(f"scale should be positive, not {scale}")
        return cls(name, median, mean, scale, indicated)


@dataclass(frozen=True)
class CategoricalColumn:
    """A column of texts or booleans: one feature for each category, 1 where the row is of it.

    Attributes:
        name: the column.
        categories: in order; None, the last if any, is what was missing.
    """

    name: str
    categories: tuple[str | None, ...]

    def explain(self) -> str:
        """Return one line on what happens to the column."""
        shown = ["missing" if text is None else text for text in self.categories[:_SHOWN]]
        more = [f"… {len(self.categories) - _SHOWN} more"] if len(self.categories) > _SHOWN else []
        return (
            f"{self.name}: {len(self.categories)} categories ({', '.join(shown + more)}), a feature for each"
        )

    def to_metadata(self) -> dict[str, Any]:
        """Return the column as data that JSON can hold."""
        return {"name": self.name, "categories": list(self.categories)}

    @classmethod
    def from_metadata(cls, record: object) -> CategoricalColumn:
        """Return the column that `to_metadata` described.

        Raises:
            ModelFileError: the description does not make sense.
        """
        name, categories = field(record, "name", str), field(record, "categories", list)
        sound = all(category is None or isinstance(category, str) for category in categories)
        if not categories or not sound or len(set(categories)) < len(categories) or None in categories[:-1]:
            raise damaged(f"these categories of {name} do not make sense: {categories!r:.60}")
        return cls(name, tuple(categories))


@dataclass(frozen=True)
class DroppedColumn:
    """A column that is left out.

    Attributes:
        name: the column.
        reason: why.
    """

    name: str
    reason: str

    def explain(self) -> str:
        """Return one line on why the column is left out."""
        return f"{self.name or '(no name)'}: left out, {self.reason}"

    def to_metadata(self) -> dict[str, Any]:
        """Return the column as data that JSON can hold."""
        return {"name": self.name, "reason": self.reason}

    @classmethod
    def from_metadata(cls, record: object) -> DroppedColumn:
        """Return the column that `to_metadata` described.

        Raises:
            ModelFileError: the description does not make sense.
        """
        return cls(field(record, "name", str), field(record, "reason", str))
