"""What a form works out from its answers: calculated values, and which questions are asked.

http://hl7.org/fhir/uv/sdc/STU3/behavior.html#calculations. Values that follow from other
calculated values are worked out again until nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from careloom.errors import InvalidInput, Unprocessable
from careloom.fhirpath.values import plain
from careloom.tasks.conditions import is_enabled
from careloom.tasks.conversion import answers_of
from careloom.tasks.expressions import (
    CALCULATED,
    ENABLE_WHEN,
    INITIAL,
    Evaluator,
    Surroundings,
    expression_of,
    expressions_of,
    names_in,
    variables_of,
)
from careloom.tasks.questionnaire import Form, children, given_answers, plain_value, walk
from careloom.types import Json, JsonObject

_ROUNDS = 10
MOST_ANSWERS = 5000


@dataclass(slots=True)
class Worked:
    """A response with what its form works out."""

    response: JsonObject
    enabled: dict[str, bool] = field(default_factory=dict)
    """Whether questions with a condition are asked, by linkId; in a group that repeats by
    `<group>[<n>]/<linkId>`, n from 0."""
    calculated: JsonObject = field(default_factory=dict)
    """Plain values of the calculated questions, by the same names."""
    issues: list[JsonObject] = field(default_factory=list)


def has_expressions(form: JsonObject) -> bool:
    """Whether there is anything to work out by expressions."""
    return any(expressions_of(one) for one in (form, *walk(form)))


def work_out(
    form: Form,
    response: JsonObject,
    around: Surroundings,
    *,
    prune: bool,
    kept: Iterable[str] = (),
    keep_given: bool = False,
) -> Worked:
    """Calculated values and conditions over a response, which is not changed.

    `prune` leaves out answers to questions that are not asked. A calculated answer goes before one
    that was given, but for the linkIds in `kept`; with `keep_given` for all that people may edit.
    """
    copy: JsonObject = orjson.loads(orjson.dumps(response))
    walker = _Walker(form, copy, around, prune=prune, kept=frozenset(kept), keep_given=keep_given)
    return walker.settle()


def initial_response(form: Form, around: Surroundings) -> JsonObject:
    """What a form begins with, its initialExpressions worked out; answers that it has stay."""
    begun = form.response(form.prefill)
    return _Walker(form, begun, around).begin()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is: the node whose items come next, what lies around it, names that hold."""

    holder: JsonObject
    around: tuple[JsonObject, ...]
    prefix: str
    names: dict[str, Any]

    def nodes(self, link: str) -> list[JsonObject]:
        return [one for one in self.holder.get("item", ()) if one.get("linkId") == link]

    def below(self, holder: JsonObject, prefix: str, names: dict[str, Any]) -> _Place:
        return _Place(holder, (*self.around, holder), prefix, names)


class _Walker:
    """Walks through form and response together, and writes into the response."""

    def __init__(
        self,
        form: Form,
        response: JsonObject,
        around: Surroundings,
        *,
        prune: bool = False,
        kept: frozenset[str] = frozenset(),
        keep_given: bool = False,
    ) -> None:
        self._form = form.questionnaire
        self._prefill = form.prefill
        self._response = response
        self._model = around.model
        self._prune = prune
        self._kept = kept | (answered_links(response) if keep_given else frozenset())
        self._evaluator = Evaluator(self._form, response, around)
        texts = [text for one in (self._form, *walk(self._form)) for text in expressions_of(one)]
        self._asked_names = names_in(texts)
        self._order = {item["linkId"]: number for number, item in enumerate(walk(self._form))}
        self._starting = False
        self._worked = Worked(response)

    def settle(self) -> Worked:
        """Until nothing changes any more."""
        before = orjson.dumps(self._response)
        for _ in range(_ROUNDS):
            self._worked.enabled, self._worked.calculated = {}, {}
            self._round()
            now = orjson.dumps(self._response)
            if now == before:
                break
            before = now
        else:
            self._evaluator.issue("", "the calculations do not come to an end")
        self._worked.issues = self._evaluator.issues
        _tidy(self._response)
        return self._worked

    def begin(self) -> JsonObject:
        """The response with what the form begins with."""
        self._starting = True
        self._round()
        return self._response

    def _round(self) -> None:
        names = self._with_variables(self._form, None, self._evaluator.given())
        self._level(self._form, _Place(self._response, (self._response,), "", names))

    def _with_variables(
        self, item: JsonObject, node: JsonObject | None, names: dict[str, Any]
    ) -> dict[str, Any]:
        """The names that hold from this item on; only variables that something asks for."""
        own = variables_of(item)
        if not own:
            return names
        known, link = dict(names), str(item.get("linkId", ""))
        for name, text in own:
            known[name] = []
            if text is not None and name in self._asked_names:
                known[name] = self._evaluator.evaluate(text, link, node, item, known)
        return known

    def _level(self, parent: JsonObject, place: _Place) -> None:
        for item in children(parent):
            nodes = place.nodes(item["linkId"])
            if not self._is_asked(item, nodes, place):
                if self._prune and nodes:
                    _detach(place.holder, nodes)
            elif item["type"] == "group":
                self._group(item, nodes, place)
            elif item["type"] != "display":
                self._question(item, nodes, place)

    def _is_asked(self, item: JsonObject, nodes: list[JsonObject], place: _Place) -> bool:
        text = expression_of(item, ENABLE_WHEN)
        if text is None and not item.get("enableWhen"):
            return True
        self._evaluator.require_time()
        link, on = item["linkId"], is_enabled(item, place.around)
        if text is not None and on:
            node = nodes[0] if nodes else {"linkId": link}
            found = self._evaluator.evaluate(text, link, node, item, place.names)
            on = [plain(one) for one in found] == [True]
        self._worked.enabled[place.prefix + link] = on
        return on

    def _group(self, item: JsonObject, nodes: list[JsonObject], place: _Place) -> None:
        link = item["linkId"]
        for number, node in enumerate(nodes or [{"linkId": link}]):
            prefix = place.prefix + (f"{link}[{number}]/" if item.get("repeats") else "")
            names = self._with_variables(item, node, place.names)
            self._level(item, place.below(node, prefix, names))
            if not nodes and node.get("item"):
                self._attach(place.holder, node)

    def _question(self, item: JsonObject, nodes: list[JsonObject], place: _Place) -> None:
        node: JsonObject = nodes[0] if nodes else {"linkId": item["linkId"]}
        names = self._with_variables(item, node, place.names)
        text = expression_of(item, INITIAL if self._starting else CALCULATED)
        if text is not None and self._takes(item, node):
            found = self._evaluator.evaluate(text, item["linkId"], node, item, names)
            self._answer(item, node, found, place.prefix)
            if node.get("answer") and not nodes:
                self._attach(place.holder, node)
            elif nodes and not node.get("answer"):
                _detach(place.holder, nodes)
        elif not node.get("answer") and item.get("readOnly") and item["linkId"] in self._prefill:
            node["answer"] = given_answers(item, self._prefill[item["linkId"]])
            if not nodes:
                self._attach(place.holder, node)
        for answer in node.get("answer") or ([{}] if children(item) else []):
            self._level(item, place.below(answer, place.prefix, names))

    def _takes(self, item: JsonObject, node: JsonObject) -> bool:
        """Whether the question takes the value of its expression."""
        if self._starting:
            return not node.get("answer")
        return bool(item.get("readOnly")) or item["linkId"] not in self._kept

    def _answer(self, item: JsonObject, node: JsonObject, found: list[Any], prefix: str) -> None:
        link = item["linkId"]
        values = [one for one in found if plain(one) is not None]
        answers = answers_of(item, values, self._model)
        if answers is None:
            self._evaluator.issue(link, "what is worked out does not fit the question")
            answers = []
        below = next((one["item"] for one in node.pop("answer", ()) if one.get("item")), None)
        if answers and below:
            answers[0] = {**answers[0], "item": below}
        if answers:
            node["answer"] = answers
        shown = [plain_value(one) for one in answers]
        one = shown[0] if shown else None
        self._worked.calculated[prefix + link] = shown if item.get("repeats") else one

    def _attach(self, holder: JsonObject, node: JsonObject) -> None:
        """Put a node among the others of its level, in the order of the form."""
        items, last = [*holder.get("item", []), node], len(self._order)
        holder["item"] = sorted(items, key=lambda one: self._order.get(one.get("linkId"), last))


def require_items(response: JsonObject) -> JsonObject:
    """The response when its items can be walked through; raises Unprocessable."""
    waiting: list[Json] = [response]
    seen = 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > MOST_ANSWERS * 2:  # each answer is an object in that of its question
            raise InvalidInput("The response has too many answers", code="invalid_answers")
        for name in ("item", "answer"):
            below = node.get(name, []) if isinstance(node, dict) else None
            if not isinstance(below, list) or not all(isinstance(one, dict) for one in below):
                raise Unprocessable(
                    "Items and answers of a response are lists of objects",
                    code="invalid_answers",
                    path="item",
                    fix="send a QuestionnaireResponse: http://hl7.org/fhir/R4/questionnaireresponse.html",
                    details={
                        "issues": [{"linkId": "item", "message": "these are lists of objects"}]
                    },
                )
            waiting += below
    return response


def answered_links(response: JsonObject) -> frozenset[str]:
    """The linkIds of all questions that have an answer."""
    found: set[str] = set()
    waiting = list(response.get("item", []))
    while waiting:
        node = waiting.pop()
        answers = node.get("answer") or []
        if answers:
            found.add(str(node.get("linkId")))
        for holder in (node, *answers):
            waiting += holder.get("item") or []
    return frozenset(found)


def _tidy(node: JsonObject) -> None:
    """Without empty lists, and without items that say nothing."""
    for name in ("item", "answer"):
        for one in node.get(name, ()):
            _tidy(one)
    if "item" in node:
        node["item"] = [one for one in node["item"] if one.get("item") or one.get("answer")]
    for name in ("item", "answer"):
        if not node.get(name, [None]):
            del node[name]


def _detach(holder: JsonObject, nodes: list[JsonObject]) -> None:
    holder["item"] = [one for one in holder["item"] if all(one is not node for node in nodes)]
