"""Literals, paths, operators and types. http://hl7.org/fhirpath/N1/#expressions"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from careloom.fhir.fhirpath_model import r4_model
from careloom.fhirpath import FhirPathError, compile
from careloom.fhirpath.errors import LIMIT, SEMANTIC, SYNTAX

TRUE = r"""
1 is Integer
1.0 is Decimal
'a' is String
true is Boolean
@2014 is Date
@2014T is DateTime
@T10 is Time
1 'mg' is Quantity
1 is System.Any
(1 is Decimal).not()
1.is(Decimal).not()
Patient.id = 'p1'
Resource.id = 'p1'
DomainResource.contained.exists()
FHIR.Patient.empty()
name.`family` contains 'Byron'
Observation.id.empty()
$this.id = 'p1'
%context.id = 'p1'
%resource.id = %rootResource.id
%`vs-administrative-gender` = 'http://hl7.org/fhir/ValueSet/administrative-gender'
%'ext-patient-birthTime' = 'http://hl7.org/fhir/StructureDefinition/patient-birthTime'
multipleBirth = 1
multipleBirth is integer
multipleBirth.is(boolean).not()
multipleBirthInteger.empty()
gender is code
gender is string
gender is FHIR.code
(gender is System.String).not()
gender.as(string).empty()
gender.ofType(code) = 'female'
Patient.is(System.Patient).not()
active is boolean
active.is(System.Boolean).not()
name.first() is Element
(name.first() is BackboneElement).not()
Patient is DomainResource
Patient is Resource
(Patient as Patient).id = 'p1'
({} is Patient).empty()
({} as Patient).empty()
1 + 2 * 3 - 4 / 2 = 5
-1 + 3 = 2
-(1) = -1
+1 = 1
(1 | 1 is Integer).count() = 2
1 | 2 = 2 | 1 = false
(1 in 1 | 2) = true
true and false or true
true or false and false
false implies false and true
1 < 2 = true
'a' & {} & 'b' = 'ab'
('a' + {}).empty()
'a' + 'b' = 'ab'
5 div 2 = 2
(-5) div 2 = -2
5.5 div 0.7 = 7
5 mod 2 = 1
(-5) mod 2 = -1
(5 / 0).empty()
(5 div 0).empty()
(5 mod 0).empty()
7 / 2 = 3.5
0.1 + 0.2 = 0.3
1 / 3 * 3 ~ 1
(2147483647 + 1).empty()
-2147483648 < 0
1.0 = 1
1.10 = 1.1
'a' = 'A' = false
'a  b' ~ 'A  B'
'a' ~ 'A'
'a b' ~ 'a	b'
('a  b' ~ 'a b') = false
1.2 / 1.8 ~ 0.67
(1.2 / 1.8 = 0.67) = false
1 ~ 1.0
(1 ~ '1') = false
(1 = '1') = false
(1 = true) = false
({} = {}).empty()
({} = 1).empty()
{} ~ {}
({} ~ 1) = false
(1 | 2) = (1 | 2)
((1 | 2) = (2 | 1)) = false
(1 | 2) ~ (2 | 1)
((1 | 2) = 1) = false
1 != 2
(1 != {}).empty()
1 !~ 2
name = name
name ~ name
name.first() != name.last()
('b' in {}) = false
({} in 'a').empty()
('a' contains {}).empty()
({} contains 'a') = false
1.0 in (1 | 2)
(true and {}).empty()
(false and {}) = false
({} and false) = false
(true or {}) = true
({} or false).empty()
(true xor true) = false
(true xor {}).empty()
({} implies true) = true
({} implies false).empty()
(true implies {}).empty()
(false implies {}) = true
true and 'foo'
name.first() and active
('a' < 'b') and ('A' < 'a') and ('Z' > 'A')
(1 < {}).empty()
@2012 = @2012
(@2012-01 = @2012).empty()
(@2012 = @2013) = false
(@2012-01 = @2013) = false
(@2012-01 ~ @2012) = false
@2012-01-01T10:30:31.0 = @2012-01-01T10:30:31
(@2012-01-01T10:30:31.1 = @2012-01-01T10:30:31) = false
@2012-01-01T = @2012-01-01
@2017-11-05T01:30:00.0-04:00 = @2017-11-05T00:30:00.0-05:00
@2018-01-01T16:00:00+12:00 < @2018-01-01T15:00:00.0+10:00
(@2012-04-15T15:00:00Z = @2012-04-15T10:00:00).empty()
@2012-04-15T15:00:00Z > @2012-04-13T10:00:00
@2012-04-15T10:00:00 < @2012-04-17T15:00:00Z
(@2018-03 > @2018-03-01).empty()
@2018-03 > @2017-12-31
(@T10 > @T10:30).empty()
@T10:30:00 > @T09:59:59.999
(birthDate = '1815-12-10') = false
(birthDate = @T10:00) = false
birthDate = @1815-12-10
birthDate < today()
birthDate.toString() = '1815-12-10'
@1973-12-25 + 7 days = @1974-01-01
@1973-12-25 + 7.9 days = @1974-01-01
@2026-01-31 + 1 month = @2026-02-28
@2024-02-29 + 1 year = @2025-02-28
@2019-03-01 - 24 months = @2017-03-01
@2014 + 24 months = @2016
@2014 + 23 months = @2015
@2016 + 365 days = @2017
@2026-02 + 5 weeks = @2026-03
@2026-02 + 4 weeks = @2026-02
@2014 - 1 month = @2014
@1973-12-25T00:00:00.000+10:00 + 42.53 seconds = @1973-12-25T00:00:42.530+10:00
@2026-01-01T13:00:00 + 30 minutes = @2026-01-01T13:30:00
@2024-02-28T23:00:00Z + 2 'h' = @2024-02-29T01:00:00Z
@T23:30:00 + 1 hour = @T00:30:00
@T00:30:00 - 1 hour = @T23:30:00
@T01:00:00 + 48 hours = @T01:00:00
@2014-01-01T10:30 + 90 seconds = @2014-01-01T10:31
(@9999-12-31 + 1 day).empty()
(@0001-01-01 - 1 day).empty()
1 'cm' = 10.0 'mm'
(1 'cm' = 1 'm') = false
(1 'cm' = 1 's').empty()
(1 'cm' = 1 'nonsense').empty()
23 'Cel' = 73.4 '[degF]'
37 'Cel' = 310.15 'K'
1 year = 12 months
1 year = 365 days
(1 year = 1 'a').empty()
(1 year = 12 'mo').empty()
1 week = 7 'd'
1 second = 1000 'ms'
1 hour = 3600 's'
1 year ~ 1 'a'
1 year ~ 12 'mo'
4 'g' ~ 4040 'mg'
(4 'g' ~ 5 'mg') = false
2.1 'cm' ~ 21 'mm'
21 'mm' ~ 2 'cm'
(1 'g' ~ 1 's') = false
23 = 23 '1'
100 '%' = 1
1 '10*3/uL' = 1000 '/uL'
1 'mmol/L' = 1000 'umol/L'
1 '[lb_av]' = 453.59237 'g'
1 '[in_i]' = 2.54 'cm'
1 'mm[Hg]' > 133 'Pa'
6 'mg/(kg.d)' < 1 'ug/(kg.s)'
1 'kg.m/s2' = 1 'N'
4 'm' > 4 'cm'
6 months < 1 year
10 seconds > 1 's'
(1 year > 1 'a').empty()
3 'm' + 3 'cm' = 303 'cm'
2 minutes + 60 seconds = 180 seconds
(1 'wk' + 2 days).unit = 'day'
(1 year + 12 months).empty()
(2 + 2 'cm').empty()
2 + 2 '1' = 4
12 'cm' * 3 'cm' = 36 'cm2'
3 'cm' * 12 'cm2' = 36 'cm3'
10 'm/s' * 10 's' = 100 'm'
3 * 2 'cm' = 6 'cm'
(12 days * 45 'm').empty()
12 'cm2' / 3 'cm' = 4 'cm'
120 'm' / 60 's' = 2 'm/s'
60 's' / 2 = 30 's'
1 'm' / 1 'm' = 1 '1'
(1 'm' / 0 's').empty()
-(5 'mg') = -5 'mg'
(1 'mg').value = 1
"""

SYNTAX_ERRORS = [
    ("", 0),
    ("name.", 5),
    ("(name", 5),
    ("name)", 4),
    ("'open", 0),
    ("`open", 0),
    ("/* open", 0),
    ("1 +", 3),
    ("name[0", 6),
    ("a b", 2),
    ("f(a,)", 4),
    ("f(a b)", 4),
    ("@2015-13", 0),
    ("@T25:00", 0),
    ("@", 0),
    ("'\\x'", 1),
    ("'\\ud83d'", 1),
    ('"text"', 0),
    ("$that", 0),
    ("name is", 7),
    ("%", 1),
    ("{1}", 1),
    ("99999999999", 0),
    ("and", 0),
    ("a # b", 2),
    ("@T14:34:28+10:00", 13),
]

REFUSED = """
1 + 'a'
'a' - 'b'
1 & 'a'
(1 | 2) & 'b'
(1 | 2) + 1
name.given + 'x'
-'a'
1 < 'a'
true < false
birthDate > 'a'
@2014 < @T10
telecom and true
@2014-01-01 + 1
@2014-01-01 + 1 'cm'
@2014-01-01 + 1 'a'
@2014-01-01 + 1 'mo'
@T10:00 + 1 day
1 + true
name > 1
"""


@pytest.mark.parametrize("expression", TRUE.strip().splitlines())
def test_what_the_specification_says_of_an_operator(expression: str, value: Any) -> None:
    assert value(expression) == [True]


@pytest.mark.parametrize(("text", "position"), SYNTAX_ERRORS)
def test_where_an_expression_cannot_be_read(text: str, position: int) -> None:
    with pytest.raises(FhirPathError) as caught:
        compile(text, r4_model())
    assert caught.value.code == SYNTAX
    assert caught.value.position == position
    assert caught.value.fix
    assert f"character {position + 1}" in caught.value.message


@pytest.mark.parametrize("expression", REFUSED.strip().splitlines())
def test_what_an_operator_refuses(expression: str, value: Any) -> None:
    with pytest.raises(FhirPathError) as caught:
        value(expression)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("text", "kind", "position"),
    [
        ("name.given1", "Patient", 5),
        ("Encounter.name", "Patient", 0),
        ("valueQuantity", "Observation", 0),
        ("(value as Period).unit", "Observation", 18),
        ("name.where(nothing = 1)", "Patient", 11),
        ("name.select(given.nothing)", "Patient", 18),
        ("iif('a', 1, 2)", "Patient", 0),
        ("contact.name.first().nothing", "Patient", 21),
        ("(name | telecom).nothing", "Patient", 17),
    ],
)
def test_strict_refuses_what_a_type_does_not_have(text: str, kind: str, position: int) -> None:
    with pytest.raises(FhirPathError) as caught:
        compile(text, r4_model(), type=kind, strict=True)
    assert caught.value.code == SEMANTIC
    assert caught.value.position == position


@pytest.mark.parametrize(
    "text",
    [
        "name.where(use = 'x').given.first() & 'a'",
        "Patient.name.select(given | family)",
        "contained.anything",
        "managingOrganization.resolve().anything",
        "extension('x').value.as(Quantity).unit",
        "descendants().anything",
        "name.repeat(period).start",
        "iif(active, name, telecom).extension",
        "%context.name.exists() and Resource.id.exists()",
    ],
)
def test_strict_takes_what_may_be_there(text: str) -> None:
    assert compile(text, r4_model(), type="Patient", strict=True).text == text


def test_decimals_keep_what_was_written(value: Any) -> None:
    data = {"resourceType": "Observation", "valueQuantity": {"value": Decimal("1.10")}}
    assert str(value("value.value", data)[0]) == "1.10"
    assert value("(value.value + 0.001).toString()", data) == ["1.101"]
    assert value("0.1 + 0.2")[0] == Decimal("0.3")


def test_json_floats_count_as_written(value: Any) -> None:
    data = {"resourceType": "Observation", "valueQuantity": {"value": 0.1}}
    assert value("value.value = 0.1", data) == [True]
    assert value("value.value + 0.2 = 0.3", data) == [True]


def test_dates_and_quantities_come_out_as_json(value: Any) -> None:
    assert value("@2014-01-31") == ["2014-01-31"]
    assert value("@T10:30") == ["10:30"]
    assert value("5 'mg'") == [
        {
            "value": Decimal(5),
            "unit": "mg",
            "system": "http://unitsofmeasure.org",
            "code": "mg",
        }
    ]
    assert value("3 days") == [{"value": Decimal(3), "unit": "day"}]
    assert value("1.type()") == [{"namespace": "System", "name": "Integer"}]


def test_equal_numbers_have_equal_keys(value: Any) -> None:
    assert value("(1 | 1.0 | 1.00).count()") == [1]
    assert value("(1 'm' | 100 'cm' | 1 'kg').count()") == [2]
    assert value("(@2014T | @2014 | @2015).count()") == [2]
    assert value("(7 days | 1 week | 1 'wk').count()") == [1]
    assert value("(true | 1).count()") == [2]


def test_escapes_stand_for_their_characters(value: Any) -> None:
    written = r"'\'\\\/\`\"\u0041\f\n\r\t'"
    assert value(written) == ["'\\/`\"A\f\n\r\t"]


def test_comments_count_as_space(value: Any) -> None:
    assert value("/* over\nlines */ 1 = /* here */ 1 // and to the end") == [True]
    assert value("1 // one\n + 1") == [2]


def test_an_error_says_nothing_of_the_data(value: Any) -> None:
    with pytest.raises(FhirPathError) as caught:
        value("name.family + 1")
    assert "Byron" not in caught.value.message + str(caught.value.fix)


def test_the_same_text_is_compiled_once() -> None:
    assert compile("name.given", r4_model()) is compile("name.given", r4_model())


def test_a_long_expression_is_refused() -> None:
    with pytest.raises(FhirPathError) as caught:
        compile("1 + " * 20_000 + "1")
    assert caught.value.code == LIMIT
