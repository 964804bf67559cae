"""Attempts to leave the language, after public incidents: nothing happens but an error.

Sources: the sandbox escapes of n8n (CVE-2025-68613, CVE-2026-1470, CVE-2026-25049), Jinja and
Twig template injection, Java EL, OGNL and SpEL injection, Python format strings, regular
expression bombs, and plain resource exhaustion.
"""

from __future__ import annotations

import contextlib
import random
import re
import string
from typing import Any

import pytest

from careloom.workflows.expressions import (
    ExpressionError,
    compile_condition,
    compile_template,
    evaluate,
)
from careloom.workflows.expressions.pattern import compile_pattern

CONTEXT: dict[str, Any] = {
    "trigger": {"text": "a" * 50_000, "list": list(range(2000)), "big": 10**4000, "x": "a"},
    "steps": {"a": {"output": {"b": 1}}},
    "run": {"id": "run_1"},
    "session": {},
}

ATTEMPTS = [
    # Python's object model
    "trigger.__class__",
    "trigger.__class__.__mro__",
    "trigger.x.__class__.__bases__[0].__subclasses__()",
    "trigger['__class__']",
    "''.__class__",
    "().__class__.__bases__",
    "trigger.x.__init__.__globals__",
    "trigger.__dict__",
    "steps.__class__.output",
    "steps.a.__getattribute__('output')",
    "trigger.get('x')",
    "trigger.items()",
    "trigger.keys()",
    "trigger.pop('x')",
    "trigger.x.format(trigger)",
    "'{0.__class__}'.format(trigger)",
    "'%s' % trigger",
    "trigger.x.encode()",
    "trigger.list.append(1)",
    "__import__('os').system('true')",
    "__builtins__",
    "globals()",
    "locals()",
    "open('/etc/passwd').read()",
    "eval('1')",
    "exec('1')",
    "getattr(trigger, '__class__')",
    "os.environ",
    "sys.modules",
    "lambda: 0",
    "[x for x in trigger.list]",
    "trigger.x if true else 0",
    "(x := 1)",
    "f'{trigger}'",
    "trigger.x; trigger.x",
    "trigger.x = trigger.y = 1",
    # JavaScript engines
    "this.constructor.constructor('return process')()",
    "constructor.constructor('return this')()",
    "trigger.constructor",
    "trigger.__proto__.polluted",
    "trigger['constructor']['constructor']('return 1')()",
    "process.mainModule.require('child_process').execSync('id')",
    "$('node').item.json",
    "$json.x",
    "(() => 1)()",
    "new Function('return 1')()",
    "`${7*7}`",
    "trigger.x?.y",
    "trigger?.x",
    # Java expression languages
    "T(java.lang.Runtime).getRuntime().exec('id')",
    "''.getClass().forName('java.lang.Runtime')",
    "@java.lang.Runtime@getRuntime().exec('id')",
    "#{7*7}",
    "${7*7}",
    # Template engines
    "{{7*7}}",
    "{% import os %}",
    "self._TemplateReference__context",
    "cycler.__init__.__globals__.os",
    "config.items()",
    "request.application.__globals__",
    "_self.env.registerUndefinedFilterCallback('exec')",
    # n8n CVE-2025-68613, CVE-2026-1470 and CVE-2026-25049: ways around a checked syntax tree
    "(function(){ return this.process.mainModule.require('child_process').execSync('id') })()",
    "(() => { with (trigger) { return constructor } })()",
    "trigger['con' + 'structor']",
    "trigger['con' & 'structor']",
    "trigger[`constructor`]",
    "trigger[['constructor']]",
    "trigger.x['__proto__'](1)",
    "trigger.x.at(0).constructor",
    "Object.getPrototypeOf(trigger)",
    "Object.assign(trigger.__proto__, {x: 1})",
    "Reflect.construct(Function, ['return 1'])()",
    "Error.prepareStackTrace = (e, t) => t",
    "[].filter.constructor('return 1')()",
    "(async () => {}).constructor('return 1')()",
    "((a, b) => a)`1`",
    "globalThis.process.env",
    "require('fs').readFileSync('/etc/passwd')",
    "import('fs')",
    "arguments.callee.caller",
    "$input.all()",
    "$env.SECRET",
    "$execution.id",
    "try { null.x } catch (e) { e.constructor }",
    "trigger.\\u0063onstructor",
    # Python chains that began at what a template engine hands out
    "lipsum.__globals__['os'].popen('id').read()",
    "joiner.__init__.__globals__.os",
    "namespace.__init__.__globals__",
    "trigger.x|attr('__class__')",
    "trigger|map(attribute='__class__')|list",
    "get_flashed_messages.__globals__",
    "url_for.__globals__.current_app",
    "''.__class__.__mro__[1].__subclasses__()[40]('/etc/passwd')",
    "trigger.x.__reduce_ex__(2)",
    "trigger.x.__format__('x')",
    "trigger.x.format_map(trigger)",
    "trigger.x.__init_subclass__",
    "trigger.list.__iter__().gi_frame.f_back.f_globals",
    "breakpoint()",
    "type(trigger)",
    "vars()",
    # Handlebars, Freemarker, Velocity, Thymeleaf, Liquid
    "#with 'constructor' as |k|",
    "<#assign ex='freemarker.template.utility.Execute'?new()>",
    "#set($e = $x.class.forName('java.lang.Runtime'))",
    "__${T(java.lang.Runtime).getRuntime().exec('id')}__::.x",
    "assign x = trigger | system",
    # FHIRPath that reaches outside
    "%resource.resolve()",
    "trigger.x.resolve()",
    "%`vs-administrative-gender`",
    "%context",
    "trigger.x.trace('log')",
    "trigger.x.repeat($this)",
    "trigger.list.aggregate($total + $this)",
    "trigger.x.conformsTo('http://x')",
    "trigger.x.memberOf('http://x')",
    "trigger.x.hasExtension('http://x')",
    # Names that look like roots
    "environment.SECRET",
    "env.DATABASE_URL",
    "secrets.slack",
    "settings.key",
    "tenant.id",
    # Exhaustion
    "9" * 400,
    "1" + "0" * 17 + " * " + "1" + "0" * 17,
    "trigger.big + 1",
    "trigger.big & ''",
    "-trigger.big",
    " + ".join(["1"] * 2000),
    "(" * 500 + "1" + ")" * 500,
    "not(" * 200 + "true" + ")" * 200,
    "-" * 4000 + "1",
    "trigger" + ".list.select($this)" * 200,
    "trigger" + "[0]" * 1300,
    "trigger.list.where(%trigger.list.where($this = 1).exists())",
    "trigger.list.select(%trigger.list.select(%trigger.list.count()))",
    "trigger.list.select(%trigger.text).join()",
    "trigger.text.replace('', trigger.text)",
    "trigger.text.replace('a', trigger.text)",
    "trigger.text.split('a').select(%trigger.text).join('b')",
    "trigger.list.distinct().count()",
    "'x' * 1000000000",
    "trigger.text.matches('(?=a)')",
    "trigger.text.matches('(a)\\\\1')",
    "'a'.matches('a{99999}')",
    "'a'.matches('((((a{50}){50}){50}){50})')",
    "'a'.matches('" + "(" * 150 + "')",
    "1.round(1000000)",
    "x" * 5000,
    "'" + "a" * 4095 + "'",
    "'\\ud800' = trigger.",
    "\x00",
    "trigger\u200b.x",
    "tríggér.x",
    "٣ + 1",
]


def test_the_corpus_is_large_enough() -> None:
    assert len(set(ATTEMPTS)) >= 150


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_attempt_to_escape_is_an_error_and_nothing_else(attempt: str) -> None:
    before = repr(CONTEXT)
    with pytest.raises(ExpressionError) as stopped:
        evaluate(attempt, CONTEXT)
    assert stopped.value.code.startswith("E-EXPR-")
    assert repr(CONTEXT) == before


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_same_attempts_in_a_template_and_in_a_condition_are_errors(attempt: str) -> None:
    with pytest.raises(ExpressionError):
        compile_template({"a": "x {{" + attempt + "}}"}).render(CONTEXT)
    with pytest.raises(ExpressionError):
        compile_condition(attempt).holds(CONTEXT)


def test_objects_of_the_host_in_the_context_are_refused_as_values() -> None:
    class Host:
        secret = "s"

    context = {"trigger": {"host": Host(), "list": [Host()]}}
    for text in ("trigger.host", "trigger.host.secret", "trigger.host = 1", "trigger.list = 1"):
        with pytest.raises(ExpressionError):
            evaluate(text, context)


def test_comparing_large_or_deep_data_is_bounded() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep] if _ % 2 else {"a": deep}
    context = {"trigger": {"deep": [deep], "wide": {"a": list(range(60_000))}, "n": [1, 2, 3]}}
    for text in (
        "trigger.deep = trigger.deep",
        "trigger.deep.distinct()",
        "trigger.n.where(%trigger.wide = %trigger.wide)",
        "trigger.wide in trigger.n.select(%trigger.wide)",
    ):
        with pytest.raises(ExpressionError) as stopped:
            evaluate(text, context)
        assert stopped.value.code == "E-EXPR-LIMIT"


def test_random_text_never_raises_anything_but_an_expression_error() -> None:
    draw = random.Random(7)
    words = [
        *(
            "trigger",
            "steps",
            ".",
            "[",
            "]",
            "(",
            ")",
            "'",
            '"',
            "`",
            "{{",
            "}}",
            "and",
            "not",
            "in",
        ),
        *("where", "$this", "%", "@2020", "1", "0.5", "-", "+", "*", "/", "&", "=", "~", "<", " "),
        *("x", "a", "output", "first()", "list", "\\", "\n", "é", "{}", ",", "|", "iif"),
        *string.printable,
    ]
    answered = 0
    for _ in range(4000):
        text = "".join(draw.choice(words) for _ in range(draw.randrange(1, 14)))
        for work in (evaluate, lambda t, c: compile_template(t).render(c)):
            with contextlib.suppress(ExpressionError):
                work(text, CONTEXT)
                answered += 1
    assert answered > 1000  # plain text is a template too


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("abc", "xxabcxx", True),
        ("^abc$", "xabc", False),
        ("a|b", "b", True),
        ("^(a|bc)+$", "abcbca", True),
        ("^(?:ab)?c{2,3}$", "abccc", True),
        ("^c{2,3}$", "cccc", False),
        ("^c{2,}$", "cccccc", True),
        ("^c{2}$", "ccc", False),
        ("^c{0}$", "", True),
        ("[^0-9]", "123", False),
        ("[]a]", "]", True),
        ("[a-]", "-", True),
        ("\\d+\\.\\d", "v1.2", True),
        ("^\\w\\S\\s$", "aé ", True),
        ("^.$", "\n", False),
        ("", "anything", True),
        ("^$", "x", False),
        ("(a*)*$", "b", True),
        ("(a+)+$", "a" * 3000 + "b", False),
        ("a{2}{3}", "", None),
        ("+", "", None),
        ("(", "", None),
        ("[a", "", None),
        (")", "", None),
        ("\\", "", None),
        ("a{3,1}", "", None),
    ],
)
def test_patterns_match_in_linear_time(pattern: str, text: str, found: bool | None) -> None:
    if found is None:
        with pytest.raises(ExpressionError):
            compile_pattern(pattern)
        return
    steps = 0

    def spend(count: int) -> None:
        nonlocal steps
        steps += count

    assert compile_pattern(pattern).found_in(text, spend) is found
    assert steps <= 20 * (len(text) + 1)


def test_patterns_agree_with_the_standard_library() -> None:
    draw = random.Random(11)
    atoms = ["a", "b", "[ab]", "[^a]", "(a|b)", "(ab)", ".", "\\w"]
    for _ in range(1500):
        pattern = "".join(
            draw.choice(atoms) + draw.choice(["", "", "*", "+", "?", "{1,2}", "|"])
            for _ in range(draw.randrange(1, 5))
        )
        pattern = draw.choice(["", "^"]) + pattern + draw.choice(["", "$"])
        text = "".join(draw.choice("abc") for _ in range(draw.randrange(8)))
        expected = re.search(pattern, text) is not None
        assert compile_pattern(pattern).found_in(text, lambda n: None) is expected, (pattern, text)
