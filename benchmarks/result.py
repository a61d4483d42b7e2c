"""One line of the tables: what was measured, ours, theirs, and whether the target is reached."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADINGS = ("measure", "ours", "against", "theirs", "ratio", "target", "verdict")


@dataclass(frozen=True)
class Result:
    """A measurement.

    Attributes:
        what: What was measured.
        ours: The median of ours.
        unit: What both medians are counted in.
        against: What ours is compared with; `""` for nothing.
        theirs: The median of that.
        target: What the ratio ours/theirs is to be at most.
        limit: What ours is to be at most, in its unit.
        note: What a reader has to know to read the line.

    """

    what: str
    ours: float
    unit: str
    against: str = ""
    theirs: float | None = None
    target: float | None = None
    limit: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours as a multiple of theirs; None where there is no such thing: nothing cannot be divided by."""
        return self.ours / self.theirs if self.theirs is not None and self.theirs > 0 else None

    @property
    def is_met(self) -> bool | None:
        """Whether the targets are met; None if there are none."""
        if self.target is None and self.limit is None:
            return None
        if self.limit is not None and self.ours > self.limit:
            return False
        return self.target is None or self.ratio is None or self.ratio <= self.target

    @property
    def verdict(self) -> str:
        """The last column."""
        return "" if self.is_met is None else "ok" if self.is_met else "MISSED"

    def cells(self) -> tuple[str, ...]:
        """Return the line as texts."""
        bounds = [f"<= {shown(self.limit, self.unit)}"] if self.limit is not None else []
        bounds += [f"<= {self.target:g}"] if self.target is not None else []
        return (
            self.what,
            shown(self.ours, self.unit),
            self.against,
            "" if self.theirs is None else shown(self.theirs, self.unit),
            "" if self.ratio is None else f"{self.ratio:.2f}" if self.ratio >= 0.01 else f"{self.ratio:.4f}",
            ", ".join(bounds),
            self.verdict,
        )

    def tree(self) -> dict[str, object]:
        """Return the line for a JSON file."""
        return {**asdict(self), "ratio": self.ratio, "met": self.is_met}


def shown(value: float, unit: str) -> str:
    """Return a number in three digits and its unit."""
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def table(results: Iterable[Result]) -> str:
    """Return results as a table in plain text, notes below it."""
    results = list(results)
    rows = [_HEADINGS, *(result.cells() for result in results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    # Numbers to the right, so that their digits stand below each other.
    aligned = [
        "  ".join(
            cell.rjust(width) if place in (1, 3, 4) else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    notes = dict.fromkeys(f"  {result.what}: {result.note}" for result in results if result.note)
    return "\n".join([aligned[0], "  ".join("-" * width for width in widths), *aligned[1:], *notes])
