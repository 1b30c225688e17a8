"""What came of an experiment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Figures under their names, and one sentence for each thing that is wrong."""

    what: str
    seed: int
    figures: Mapping[str, int | float]
    findings: tuple[str, ...] = ()

    def with_findings(self, *findings: str) -> "Outcome":
        """The same, with these instead."""
        return replace(self, findings=findings)

    def __str__(self) -> str:
        """In lines; what a failed test shows."""
        figures = ", ".join(f"{value} {name}" for name, value in self.figures.items())
        return "\n".join([f"{self.what}, seed {self.seed}: {figures}", *self.findings])
