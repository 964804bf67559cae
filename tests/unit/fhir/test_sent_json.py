"""JSON as clients send it: names that stand twice, and the byte-order mark."""

from __future__ import annotations

import pytest

from careloom.errors import InvalidInput
from careloom.fhir.resource import serialize
from careloom.fhir.sent_json import parse_sent

TWICE = {
    '{"resourceType":"Patient","active":true,"active":false}': "Patient.active",
    '{"resourceType":"Patient","name":[{"family":"a"},{"family":"b", "family" : "c"}]}': (
        "Patient.name[1].family"
    ),
    '{"a":{"b":1,"\\u0062":2}}': "a.b",
    '{"a":"\\u0022:","b":1,"b":2}': "b",
    '{"a":"\\"\\u003a","b" :1,"b":2}': "b",
    '{"a" :1,"b":2.50,"b":2.50}': "b",
    '{"resourceType":"Patient","resourceType":"Observation"}': "Patient.resourceType",
    '[{"op":"add","op":"remove"}]': "[0].op",
    '{"a b<":1,"a b<":2}': "a?b?",
}


@pytest.mark.parametrize("text", TWICE)
def test_a_name_that_stands_twice_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_sent(text.encode())
    assert (caught.value.code, caught.value.path) == ("duplicate_member", TWICE[text])


@pytest.mark.parametrize(
    "text",
    [
        '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
        '{"a":"\\"b\\":\\"b\\":","b":"\\u0022:\\u003A"}',
        '{ "a" : "x:y" , "b" : [ 2.50, 1e3 ] }',
        '"a"',
        "[]",
        '{"a":"\\ud83d\\ude00 \\\\"}',
    ],
)
def test_what_has_each_name_once_is_read(text: str) -> None:
    assert serialize(parse_sent(text.encode())) == serialize(parse_sent(text.encode()))


def test_a_byte_order_mark_is_left_out() -> None:
    assert parse_sent(b'\xef\xbb\xbf{"a":1}') == {"a": 1}
    with pytest.raises(InvalidInput):
        parse_sent(b"\xef\xbb\xbf\xef\xbb\xbf{}")
