"""What kills have led to."""

from __future__ import annotations

from dataclasses import dataclass, field

FAULTS = ("lost", "doubled", "stranded", "wrong")


@dataclass(slots=True)
class Tally:
    """Counts of kills and runs, and every fault that was found."""

    kills: int = 0
    holding: int = 0
    """Kills of workers that had runs in their hands."""
    runs: int = 0
    given_up: int = 0
    """Runs whose workers died five times in a row without completing a step: dead letters."""
    sent_twice: int = 0
    """Messages that a receiver which does not deduplicate got twice."""
    faults: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in FAULTS})
    resume_ms: list[float] = field(default_factory=list)
    """From a kill to the end of the run, or until another worker had the runs."""

    def add(self, found: dict[str, list[str]]) -> None:
        """One run more, with its faults."""
        self.runs += 1
        for kind, said in found.items():
            self.faults[kind] += said

    @property
    def all_faults(self) -> list[str]:
        return [f"{kind}: {said}" for kind, found in self.faults.items() for said in found]
