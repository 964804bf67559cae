"""Each function by the sentences of its specification. http://hl7.org/fhirpath/N1/#functions"""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from careloom.fhirpath import FhirPathError

TRUE = r"""
{}.empty()
name.exists()
name.exists(use = 'usual')
name.exists(use = 'old').not()
{}.all(false)
name.all(use.exists())
{}.allTrue()
{}.allFalse()
{}.anyTrue().not()
{}.anyFalse().not()
(true | true).allTrue()
true.combine(false).allTrue().not()
true.combine(false).anyTrue()
true.combine(false).anyFalse()
false.combine(false).allFalse()
(true).allFalse().not()
{}.subsetOf(1)
(1 | 2).subsetOf(1 | 2 | 3)
(1 | 4).subsetOf(1 | 2).not()
1.subsetOf({}).not()
1.supersetOf({})
(1 | 2 | 3).supersetOf(2)
{}.supersetOf(1).not()
{}.count() = 0
name.count() = 3
1.combine(1).distinct().count() = 1
{}.isDistinct()
1.combine(1.0).isDistinct().not()
name.where(use = 'usual').given = 'Ada'
name.where($index = 1).use = 'usual'
name.select(given).count() = 3
name.select($index) = 0.combine(1).combine(2)
(1 | 2).repeat(iif($this < 5, $this + 1)) = (2 | 3 | 4 | 5)
name.ofType(HumanName).count() = 3
contained.ofType(Organization).name = 'Clinic'
contained.ofType(Patient).empty()
contained.ofType(DomainResource).count() = 1
(3 | 1 | 2).sort() = (1 | 2 | 3)
(3 | 1 | 2).sort($this desc) = (3 | 2 | 1)
('b' | 'a').sort() = ('a' | 'b')
name.sort(family).first().use = 'usual'
name.sort(family desc).first().use = 'maiden'
name.sort(family desc).last().use = 'usual'
telecom.sort(use, system).first().system = 'email'
{}.sort().empty()
coalesce({}, {}, 3) = 3
coalesce({}, {}).empty()
name.first().use = 'official'
name.last().use = 'maiden'
name.tail().count() = 2
{}.first().empty()
{}.last().empty()
{}.tail().empty()
{}.single().empty()
1.single() = 1
name.skip(1).first().use = 'usual'
name.skip(9).empty()
name.skip(0).count() = 3
name.skip(-1).count() = 3
name.take(2).count() = 2
name.take(0).empty()
name.take(-1).empty()
name[1].use = 'usual'
name[9].empty()
name[-1].empty()
name[{}].empty()
(1 | 2 | 3).intersect(3 | 4) = 3
1.combine(1).intersect(1).count() = 1
1.intersect({}).empty()
1.combine(2).combine(1).exclude(2).count() = 2
(1 | 2).exclude({}).count() = 2
(1 | 2).union(2 | 3).count() = 3
{}.union({}).empty()
1.combine(1).union({}).count() = 1
1.combine({}).count() = 1
name.select(use.union(given)).count() = 6
iif(true, 1, 2) = 1
iif(false, 1, 2) = 2
iif({}, 1, 2) = 2
iif(false, 1).empty()
iif(true, 1, name.single()) = 1
{}.iif(true, 1) = 1
'x'.iif($this = 'x', $this & 'y') = 'xy'
1.toBoolean()
'T'.toBoolean()
'yes'.toBoolean()
'Y'.toBoolean()
'1.0'.toBoolean()
0.0.toBoolean().not()
'no'.toBoolean().not()
'2'.toBoolean().empty()
1.0.toBoolean()
'on'.convertsToBoolean().not()
{}.convertsToBoolean().empty()
name.first().toBoolean().empty()
'+7'.toInteger() = 7
'-7'.toInteger() = -7
'1.0'.toInteger().empty()
true.toInteger() = 1
'2147483648'.toInteger().empty()
1.5.toInteger().empty()
1.5.convertsToInteger().not()
true.toDecimal() = 1.0
'1.50'.toDecimal().toString() = '1.50'
'1.'.toDecimal().empty()
'.5'.convertsToDecimal().not()
1.toDecimal() is Decimal
'2015-02'.toDate() = @2015-02
'2015-13'.toDate().empty()
@2015-02-04T10:00.toDate() = @2015-02-04
@T10:00.toDate().empty()
'10:30'.toTime() = @T10:30
'T10:30'.toTime() = @T10:30
@2015.toDateTime() is DateTime
'2015-02-30'.convertsToDateTime().not()
@T10.toDateTime().empty()
'25:00'.convertsToTime().not()
'14:34:28.123'.convertsToTime()
@2015.toTime().empty()
1.toQuantity() = 1 '1'
true.toQuantity() = 1 '1'
'5 \'mg\''.toQuantity() = 5 'mg'
'1 wk'.toQuantity().empty()
'3 weeks'.toQuantity() = 21 days
'mg'.convertsToQuantity().not()
52 'cm'.toQuantity('m') = 0.52 'm'
1 'a'.toQuantity('d') = 365.25 'd'
24 'm'.toQuantity('kg').empty()
7 days.toQuantity('wk').unit = 'wk'
182.5 days.toQuantity('a').value = 0.5
45.toQuantity('m').empty()
10 'Cel'.convertsToQuantity('[degF]')
5 'm'.convertsToQuantity('kg').not()
1.5.toString() = '1.5'
true.toString() = 'true'
@T10:30.toString() = '10:30'
(4 days).toString() = '4 days'
(53 'km').toString() = '53 \'km\''
name.first().toString().empty()
name.first().convertsToString().not()
@2014-12-14T10:00:00.000+02:00.toString() = '2014-12-14T10:00:00.000+02:00'
(-1).toString() = '-1'
'abcdefg'.indexOf('bc') = 1
'abc'.indexOf('x') = -1
'abc'.indexOf('') = 0
'abc'.indexOf({}).empty()
'abcabc'.lastIndexOf('b') = 4
'abc'.lastIndexOf('x') = -1
'abcdefg'.substring(3) = 'defg'
'abcdefg'.substring(1, 2) = 'bc'
'abcdefg'.substring(6, 2) = 'g'
'abcdefg'.substring(7, 1).empty()
'abc'.substring(-1).empty()
'abc'.substring(1, {}) = 'bc'
'abc'.substring({}).empty()
'abc'.substring(1, 0) = ''
'abc'.startsWith('ab')
'abc'.endsWith('bc')
'abc'.contains('b')
'abc'.contains('')
'aB'.upper() = 'AB'
'aB'.lower() = 'ab'
'abcdefg'.replace('cde', '123') = 'ab123fg'
'abcdefg'.replace('cde', '') = 'abfg'
'abc'.replace('', 'x') = 'xaxbxcx'
'abc'.matches('b')
'abc'.matches('^b').not()
'ABC'.matches('b', 'i')
'a\nb'.matches('a.b')
'N8000123123'.matchesFull('N[0-9]{10}')
'N800012312'.matchesFull('N[0-9]{10}').not()
'a\nb'.matches('^b$', 'm')
'abc'.matches({}).empty()
'a1b2'.replaceMatches('([a-z])([0-9])', '$2$1') = '1a2b'
'abc'.replaceMatches('', 'x') = 'abc'
'11/30/1972'.replaceMatches('(?<m>[0-9]+)/(?<d>[0-9]+)', '${d}-${m}') = '30-11/1972'
'a.b'.replaceMatches('\\.', '\\') = 'a\\b'
'ab'.replaceMatches('b', '$$') = 'a$'
'abc'.length() = 3
''.length() = 0
'abc'.toChars() = ('a' | 'b' | 'c')
''.toChars().empty()
'test'.encode('hex') = '74657374'
'dGVzdA=='.decode('base64') = 'test'
'x'.encode('no').empty()
'!'.decode('base64').empty()
'ff'.decode('hex').empty()
'é'.encode('ascii') = '?'
'A&B'.escape('html') = 'A&amp;B'
'A&amp;B'.unescape('html') = 'A&B'
'x'.escape('no').empty()
'a\tb'.escape('json').unescape('json') = 'a\tb'
' a '.trim() = 'a'
'A,B'.split(',') = ('A' | 'B')
'AB'.split(',') = 'AB'
name.given.join('-') = 'Ada-Augusta-Ada'
('A' | 'B').join() = 'AB'
{}.join(',').empty()
(-5).abs() = 5
(-5.5).abs() = 5.5
(-5 'mg').abs() = 5 'mg'
{}.abs().empty()
(-1.1).ceiling() = -1
1.1.floor() = 1
(-1.56).truncate() = -1
2.5 'mg'.floor() = 2 'mg'
0.exp() = 1
1.exp().round(4) = 2.7183
0.ln().empty()
2.718281828459045.ln().round(6) = 1
100.0.log(10.0) = 2.0
0.log(2).empty()
8.log(2) = 3
2.5.power(2) = 6.25
2.power(-1) = 0.5
2.power(3) = 8
(-8).power(3) = -512
0.power(-1).empty()
2.power({}).empty()
3.14159.round(3) = 3.142
(-0.5).round() = -1
2.5.round() = 3
1.5 'mg'.round() = 2 'mg'
81.sqrt() = 9
(-1).sqrt().empty()
10.power(500).empty()
(1 | 2 | 3).sum() = 6
(1 | 2).avg() = 1.5
(3 | 1).min() = 1
('a' | 'b').max() = 'b'
{}.sum().empty()
1 'g'.combine(1 'kg').sum() = 1001 'g'
1 'g'.combine(1 's').max().empty()
(1 | 2 | 3).aggregate($this + $total, 0) = 6
{}.aggregate($total, 5) = 5
(1 | 5 | 3).aggregate(iif($total.empty() or $this < $total, $this, $total)) = 1
name.children().count() = 8
descendants().where($this = 'Ada').count() = 2
birthDate.children().count() = 1
1.children().empty()
1.587.lowBoundary() = 1.5865
1.587.lowBoundary(2) = 1.58
(-1.587).highBoundary(2) = -1.58
@2014.highBoundary() = @2014-12-31
@2016-02.highBoundary(8) = @2016-02-29
@T10.highBoundary() = @T10:59:59.999
@T10:30:28.1.highBoundary(9) = @T10:30:28.199
@2014-01-01T10:30Z.lowBoundary() = @2014-01-01T10:30:00.000Z
@2014.lowBoundary(17).empty()
1.58700.precision() = 5
100.precision() = 0
@2014.precision() = 4
@T10:30.precision() = 4
@2014-01-05T10:30:00.000.precision() = 17
{}.precision().empty()
@2014-02-03T10:30:15.250+01:30.yearOf() = 2014
@2014-02-03T10:30:15.250+01:30.monthOf() = 2
@2014-02-03T10:30.dayOf() = 3
@2014-02-03T10:30.hourOf() = 10
@T10:30.minuteOf() = 30
@T10:30:15.250.secondOf() = 15
@T10:30:15.250.millisecondOf() = 250
@2014.monthOf().empty()
@2014-02-03T10:30+01:30.timezoneOffsetOf() = 1.5
@2014-02-03T10:30.timezoneOffsetOf().empty()
@2014-02-03T10:30.dateOf() = @2014-02-03
@2014-02-03T10:30.timeOf() = @T10:30
1 'mg'.comparable(2 'g')
1 'mg'.comparable(1 's').not()
1 year.comparable(1 'a').not()
2 '1'.comparable(3)
'x'.comparable(1 'mg').empty()
name.first().defineVariable('n').select(%n.family & given.first()) = 'ByronAda'
defineVariable('a', 1).defineVariable('b', %a + 1).select(%b) = 2
name.select(defineVariable('g', given.first()).select(%g & use)).count() = 3
now() = now()
today() = now().toDate()
timeOfDay() is Time
now().timezoneOffsetOf() = 0
trace('x').id = 'p1'
trace('x', name).id = 'p1'
1.type().name = 'Integer'
name.first().type().name = 'HumanName'
contained.type().namespace = 'FHIR'
@2014-01-01.type().name = 'Date'
gender.type().name = 'code'
1.type().type().name = 'TypeInfo'
"""

WRONG = """
(1 | 2).single()
(true | 'foo').allTrue()
(1 | 2).not()
name.where(given)
name.as(HumanName)
name is HumanName
gender.as(string1)
Patient.ofType(Nothing)
(1 | 'a').sort()
name.sort(given)
name.skip('a')
name['a']
(1 | 2).toInteger()
(1 | 2).iif(true, 1)
name.first().startsWith('a')
1.upper()
'abc'.substring('a')
'abc'.matches('(')
'abc'.matches('a', 'x')
'abc'.matches('(?=a)')
(1 | 'a').join()
'a'.abs()
'a'.round()
1.5.round(-1)
(1 | 'a').max()
(1 | 'a').sum()
$total
name.lowBoundary()
active.precision()
'a'.yearOf()
defineVariable('context', 1)
defineVariable('v', 1).defineVariable('v', 2)
defineVariable('v', 1).id | %v
defineVariable(id, 1)
%nothing
noSuchFunction()
count(1)
where()
conformsTo('http://trash')
gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')
name.elementDefinition()
name.slice('http://example.org', 'a')
"""


@pytest.mark.parametrize("expression", TRUE.strip().splitlines())
def test_what_the_specification_says_of_a_function(expression: str, value: Any) -> None:
    assert value(expression) == [True]


@pytest.mark.parametrize("expression", WRONG.strip().splitlines())
def test_what_a_function_refuses(expression: str, value: Any) -> None:
    with pytest.raises(FhirPathError) as caught:
        value(expression)
    assert caught.value.fix
    assert caught.value.expression == expression
    assert 0 <= caught.value.position < len(expression)


def test_texts_beyond_ascii_stay_whole(value: Any) -> None:
    assert value(r"'äöb'.replaceMatches('b', 'é')") == ["äöé"]
    assert value(r"'äb'.replaceMatches('(b)|(c)', '[$1$2$9]')") == ["ä[b]"]
    assert value(r"'\ud83d\ude00'.length()") == [1]
    assert value(r"'\ud83d\ude00'.encode('hex').decode('hex') = '\ud83d\ude00'") == [True]
    assert value(r"'\\ud83d\\ude00'.unescape('json') = '\ud83d\ude00'") == [True]
    assert value(r"'\\ud83d'.unescape('json')") == []
    for expression in ("%t.matches('a')", "%t.replaceMatches('a', 'b')"):
        with pytest.raises(FhirPathError):
            value(expression, variables={"t": "\ud83d"})


def test_now_is_the_clocks_and_stays_the_same(value: Any) -> None:
    ticks = iter([datetime.datetime(2024, 2, 29, 12, 0, tzinfo=datetime.UTC)])
    given = {"now": lambda: next(ticks)}
    found = value("now().toString() | today().toString() | timeOfDay().toString()", **given)
    assert found == ["2024-02-29T12:00:00.000Z", "2024-02-29", "12:00:00.000"]


def test_trace_tells_the_caller_and_changes_nothing(value: Any) -> None:
    told: list[tuple[str, list[Any]]] = []
    found = value(
        "name.trace('names', given).count()", trace=lambda name, items: told.append((name, items))
    )
    assert found == [3]
    assert told == [("names", ["Ada", "Augusta", "Ada"])]


def test_repeat_visits_equal_items_once(value: Any) -> None:
    assert value("name.repeat('x')") == ["x"]
    assert value("(1).repeat(1 | 2)") == [1, 2]


def test_repeat_all_keeps_equal_items(value: Any) -> None:
    data = {
        "resourceType": "Questionnaire",
        "item": [{"linkId": "a", "item": [{"linkId": "a"}]}, {"linkId": "a"}],
    }
    assert value("repeatAll(item).linkId", data) == ["a", "a", "a"]


def test_variables_come_from_the_caller(value: Any) -> None:
    assert value("%n + 1", variables={"n": 41}) == [42]
    assert value("%list.count()", variables={"list": [1, 2]}) == [2]
    assert value("%p.birthDate", variables={"p": {"resourceType": "Patient", "birthDate": "2000"}})
    assert value("%none", variables={"none": None}) == []
