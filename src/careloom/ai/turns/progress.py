"""How far a turn is: what was said, what is to be done, what it used. Made of its kept calls alone,
so that a turn that is taken up again stands where it stood."""

from __future__ import annotations

from dataclasses import dataclass, field

from careloom.ai.language.messages import user
from careloom.ai.turns.budget import Budget
from careloom.ai.turns.call import TurnCall
from careloom.ai.turns.journal import Kept
from careloom.types import JsonObject


@dataclass(slots=True)
class Progress:
    """The turn so far."""

    call: TurnCall
    budget: Budget
    messages: list[JsonObject] = field(default_factory=list)
    """Said in this turn, after the history."""
    number: int = 0
    """Of the last call that was answered."""
    intents: list[JsonObject] = field(default_factory=list)
    """In order, each with its place `n`."""
    carried_out: int = 0
    """How many of them a wait has carried out."""
    sources: list[JsonObject] = field(default_factory=list)
    tainted: bool = False
    asked_again: bool = False
    last: JsonObject | None = None
    """The last answer, as it is kept."""
    models: list[str] = field(default_factory=list)
    """Which model gave each answer."""
    prompt_hashes: list[str] = field(default_factory=list)
    notes: list[JsonObject] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    """Why the answer is less than what was asked for."""

    def take_request(self, request: JsonObject) -> None:
        """What goes to the model next: tool results, or what it is told about its answer."""
        self.messages += request["messages"]
        for done in request.get("done", ()):
            for intent in done["intents"]:
                self.intents.append({**intent, "n": len(self.intents)})
            self.sources += done["sources"]
            self.tainted = self.tainted or done["untrusted"]
        if request.get("carriedOut") is not None:
            self.carried_out = request["carriedOut"]
        self.asked_again = self.asked_again or bool(request.get("askedAgain"))

    def take_answer(
        self, number: int, answer: JsonObject, model: str, prompt_hash: str, *, fresh: bool
    ) -> None:
        """An answer was received; `tokens` and `cost` are those of every attempt, when it is known
        of before."""
        self.number = number
        self.last = answer
        self.messages.append(answer["message"])
        self.models.append(model)
        self.prompt_hashes.append(prompt_hash)
        tokens = answer.get("tokens", answer["inputTokens"] + answer["outputTokens"])
        self.budget.count(tokens, answer["cost"], fresh=fresh)

    def take_kept(self, kept: Kept) -> None:
        """The same for a call of before."""
        self.take_request(kept.request)
        if kept.answer is not None:
            self.take_answer(kept.number, kept.answer, kept.model, kept.prompt_hash, fresh=False)

    def degrade(self, why: str, message: str) -> None:
        """Say that the answer is less than what was asked for."""
        if why not in self.degraded:
            self.degraded.append(why)
            self.notes.append({"code": "W-DEGRADED", "cause": why, "message": message})


def first_request(call: TurnCall) -> JsonObject:
    """What a turn begins with."""
    return {"messages": [call.message]}


def again_request(words: str) -> JsonObject:
    """The model is asked again for the form."""
    return {"messages": [user(words)], "askedAgain": True}
