"""The bounds of a worker: calls, tokens, cost and time, by turn, run and day."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from careloom.types import JsonObject


@dataclass(slots=True)
class Budget:
    """What a turn has used, held against what its worker may use."""

    bounds: JsonObject
    clock: Callable[[], float] = time.monotonic
    calls: int = 0
    tokens: int = 0
    cost: float = 0.0
    run: JsonObject = field(default_factory=lambda: {"tokens": 0, "cost": 0.0})
    """What the run had used when this turn was taken up, this turn's own earlier calls included."""
    day: JsonObject = field(default_factory=lambda: {"tokens": 0, "cost": 0.0})
    _fresh_tokens: int = 0
    _fresh_cost: float = 0.0
    _begun: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.clock()

    def count(self, tokens: int, cost: float, *, fresh: bool) -> None:
        """A call was answered; `fresh` now, and not before the turn was taken up."""
        self.calls += 1
        self.spend(tokens, cost, fresh=fresh)

    def spend(self, tokens: int, cost: float, *, fresh: bool = True) -> None:
        """Tokens and money went, also for an answer that was of no use."""
        self.tokens += tokens
        self.cost += cost
        if fresh:
            self._fresh_tokens += tokens
            self._fresh_cost += cost

    def seconds_left(self) -> float:
        """Of the turn's time, since it was taken up here."""
        return float(self.bounds.get("secondsPerTurn", 240)) - (self.clock() - self._begun)

    def exceeded(self) -> str | None:
        """The first bound of turn or run that leaves no room for another call."""
        tokens, cost = self._fresh_tokens, self._fresh_cost
        used = {
            "callsPerTurn": self.calls,
            "tokensPerTurn": self.tokens,
            "costPerTurn": self.cost,
            "tokensPerRun": self.run["tokens"] + tokens,
            "costPerRun": self.run["cost"] + cost,
        }
        for name, value in used.items():
            if name in self.bounds and value >= self.bounds[name]:
                return name
        return "secondsPerTurn" if self.seconds_left() <= 0 else None

    def exceeded_today(self) -> str | None:
        """The first bound of the day that leaves no room."""
        used = {
            "tokensPerDay": self.day["tokens"] + self._fresh_tokens,
            "costPerDay": self.day["cost"] + self._fresh_cost,
        }
        for name, value in used.items():
            if name in self.bounds and value >= self.bounds[name]:
                return name
        return None

    def to_json(self) -> JsonObject:
        """As the evidence has it."""
        return {"calls": self.calls, "tokens": self.tokens, "cost": round(self.cost, 6)}
