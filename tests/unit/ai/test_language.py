"""Messages, facts and answers by a schema, without a house around them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from careloom.ai.language.facts import read_facts
from careloom.ai.language.messages import digest, tool, user, within
from careloom.ai.turns.budget import Budget
from careloom.ai.turns.structured import read_answer, schema_of
from careloom.errors import InvalidInput
from careloom.types import JsonObject

GIVEN: JsonObject = {"provider": "openai", "connection": "c"}


def test_facts_have_defaults_that_let_a_model_see_nothing() -> None:
    facts = read_facts("openai/gpt-4", GIVEN)
    assert facts.model == "gpt-4"
    assert not facts.may_see("phi")
    assert not facts.may_see("deidentified")
    assert facts.may_see("none")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"provider": "other"}, "/provider"),
        ({"connection": ""}, "/connection"),
        ({"dataClass": "all"}, "/dataClass"),
        ({"contextLength": 1}, "/contextLength"),
        ({"takes": ["sound"]}, "/takes"),
        ({"price": {"input": 1}}, "/price"),
        ({"price": {"input": 1, "output": "2"}}, "/price/output"),
        ({"parameters": {"heat": 1}}, "/parameters/heat"),
        ({"parameters": {"temperature": 9}}, "/parameters/temperature"),
        ({"region": "EU west"}, "/region"),
        ({"token": "x"}, "/token"),
    ],
)
def test_a_wrong_fact_is_named(change: JsonObject, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_facts("m", {**GIVEN, **change})
    assert refused.value.path == path


def test_a_price_is_per_million_tokens() -> None:
    price = read_facts("m", {**GIVEN, "price": {"input": 2, "output": 10}}).price
    assert price is not None
    assert price.of(500_000, 100_000) == pytest.approx(2.0)


def test_a_version_changes_with_every_fact() -> None:
    one = read_facts("m", GIVEN)
    assert one.version == read_facts("m", dict(GIVEN)).version
    assert one.version != read_facts("m", {**GIVEN, "parameters": {"seed": 1}}).version


def test_the_newest_messages_that_fit_begin_with_a_user() -> None:
    call = {"id": "c", "name": "f", "arguments": {}}
    asked = {"role": "assistant", "text": "", "calls": [call]}
    old = [user("x" * 4000), asked, tool(call, "y" * 4000)]
    new = [user("now"), {"role": "assistant", "text": "yes", "calls": []}]
    assert within([*old, *new], 200) == (new, 3)
    assert within([*old, *new], 100_000) == ([*old, *new], 0)
    assert within(old, 10)[0] == old, "one turn is never cut apart"


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_what_later_steps_read_is_required() -> None:
    schema = schema_of(None, "reading", frozenset({"urgency"}))
    assert schema is not None
    assert schema["required"] == ["reading", "urgency"]
    assert schema_of(None, None, frozenset()) is None
    own = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    both = schema_of(own, None, frozenset({"b"}))
    assert both is not None
    assert both["required"] == ["a", "b"]
    assert both["properties"]["a"] == {"type": "integer"}


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}', '```json\n{"a": 1}\n```', 'Here it is: {"a": 1}. Bye.', ' \n{"a": 1}\n'],
)
def test_an_object_is_found_in_what_a_model_says(text: str) -> None:
    assert read_answer(text, {"type": "object", "required": ["a"]}) == ({"a": 1}, [])


def test_faults_of_an_answer_repeat_no_value() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a", "b"]}
    _, faults = read_answer('{"a": "Quillfeather"}', schema)
    assert len(faults) == 2
    assert "Quillfeather" not in str(faults)
    assert read_answer("no object at all", schema)[0] is None


def test_a_budget_names_the_first_bound_that_is_used_up() -> None:
    now = [0.0]
    budget = Budget({"callsPerTurn": 2, "secondsPerTurn": 10}, clock=lambda: now[0])
    assert budget.exceeded() is None
    budget.count(10, 0.5, fresh=True)
    assert budget.exceeded() is None
    budget.count(10, 0.5, fresh=True)
    assert budget.exceeded() == "callsPerTurn"
    late = Budget({"secondsPerTurn": 10}, clock=lambda: now[0])
    now[0] = 11.0
    assert late.exceeded() == "secondsPerTurn"
    spent = Budget({"costPerRun": 1.0, "tokensPerDay": 20}, run={"tokens": 0, "cost": 0.9})
    spent.count(15, 0.2, fresh=True)
    assert spent.exceeded() == "costPerRun"
    assert spent.exceeded_today() is None


def test_a_body_of_chat_completions_goes_out_as_it_is() -> None:
    """Held against the client's own way, which the shorter one stands in for."""
    from openai._utils import async_maybe_transform
    from openai.types.chat import completion_create_params

    from careloom.ai.language import providers

    called = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    function = {"name": "f", "description": "d", "parameters": {"type": "object"}}
    body: dict[str, Any] = {
        "model": "m",
        "stream": False,
        "temperature": 0.1,
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "t"}, image]},
            {"role": "assistant", "content": None, "tool_calls": [called]},
            {"role": "tool", "tool_call_id": "c", "content": "{}"},
        ],
        "tools": [{"type": "function", "function": function}],
    }
    expected = completion_create_params.CompletionCreateParamsNonStreaming
    theirs = asyncio.run(async_maybe_transform(body, expected))
    assert asyncio.run(providers._as_it_is(body, expected)) == theirs
