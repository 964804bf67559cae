"""Strings. http://hl7.org/fhirpath/N1/#string-manipulation"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from typing import Any

from careloom.fhirpath.evaluation import Env, Run, single
from careloom.fhirpath.functions.definition import Function, Scope, integer_of, on_value, text_of
from careloom.fhirpath.lexer import joined_surrogates
from careloom.fhirpath.patterns import found_in, pattern_at, replaced
from careloom.fhirpath.syntax import Call
from careloom.fhirpath.values import system

_SPACE = " \t\r\n"
_JSON_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})')


def _on_text(name: str, body: Callable[..., Any], least: int = 0, most: int = 0) -> Function:
    """A function of a String and Strings."""

    def run(env: Env, at: int, *values: Any) -> Any:
        texts = [env.text(text_of(value, at, f"{name}()"), at) for value in values]
        found = body(*texts)
        return env.text(found, at) if isinstance(found, str) else found

    return on_value(run, least, most or least)


def _substring(env: Env, at: int, value: Any, start: Any, *length: Any) -> str | None:
    text, begin = text_of(value, at, "substring()"), integer_of(start, at, "substring()")
    if not 0 <= begin < len(text):
        return None
    if not length:
        return text[begin:]
    return text[begin : begin + max(0, integer_of(length[0], at, "substring()"))]


def _optional_length(scope: Scope, call: Call, source: Run) -> Run:
    """substring: an empty length counts as none given."""
    plain = on_value(_substring, 1, 1).build(scope, call_with(call, 1), source)
    if len(call.arguments) == 1:
        return plain
    full = on_value(_substring, 2, 2).build(scope, call, source)
    length = scope.compile(call.arguments[1])
    return lambda env: full(env) if length(env) else plain(env)


def call_with(call: Call, number: int) -> Call:
    """The call with its first arguments only."""
    return Call(call.source, call.name, call.arguments[:number], call.at)


def _matches(full: bool) -> Callable[..., bool]:
    def run(env: Env, at: int, value: Any, regex: Any, *flags: Any) -> bool:
        name = "matchesFull()" if full else "matches()"
        text = text_of(value, at, name)
        env.spend(len(text) >> 4, at)
        found = pattern_at(
            text_of(regex, at, name), text_of(flags[0], at, name) if flags else "", at
        )
        return found_in(found, text, full, at)

    return run


def _replace_matches(
    env: Env, at: int, value: Any, regex: Any, replacement: Any, *flags: Any
) -> str:
    name = "replaceMatches()"
    text, pattern = text_of(value, at, name), text_of(regex, at, name)
    new = text_of(replacement, at, name)
    if not pattern:
        return text
    found = pattern_at(pattern, text_of(flags[0], at, name) if flags else "", at)
    env.spend(len(text), at)
    if len(new) * (len(text) + 1) > 10 * env.limits.text:
        env.text(" " * (env.limits.text + 1), at)
    return env.text(replaced(found, new, text, at), at)


def _replace(env: Env, at: int, value: Any, pattern: Any, replacement: Any) -> str:
    text, old = text_of(value, at, "replace()"), text_of(pattern, at, "replace()")
    new = text_of(replacement, at, "replace()")
    count = text.count(old)
    if len(text) + count * len(new) > env.limits.text + count * len(old):
        env.text(" " * (env.limits.text + 1), at)
    return text.replace(old, new)


def _characters(scope: Scope, call: Call, source: Run) -> Run:
    model, at = scope.model, call.at

    def run(env: Env) -> list[Any]:
        item = single(source(env), at, "toChars()")
        if item is None:
            return []
        text = text_of(system(item, model), at, "toChars()")
        env.spend(len(text), at)
        return env.bounded(list(text), at)

    return run


def _split(scope: Scope, call: Call, source: Run) -> Run:
    model, at, separator = scope.model, call.at, scope.compile(call.arguments[0])

    def run(env: Env) -> list[Any]:
        item = single(source(env), at, "split()")
        mark = single(separator(env), at, "The argument of split()")
        if item is None or mark is None:
            return []
        text = text_of(system(item, model), at, "split()")
        by = text_of(system(mark, model), at, "split()")
        env.spend(len(text), at)
        return env.bounded(text.split(by) if by else list(text), at)

    return run


def _join(scope: Scope, call: Call, source: Run) -> Run:
    model, at = scope.model, call.at
    separator = scope.compile(call.arguments[0]) if call.arguments else None

    def run(env: Env) -> list[Any]:
        items = source(env)
        if not items:
            return []
        mark = single(separator(env), at, "The argument of join()") if separator else None
        by = "" if mark is None else text_of(system(mark, model), at, "join()")
        texts = [text_of(system(item, model), at, "join()") for item in items]
        if sum(map(len, texts)) + len(by) * len(texts) > env.limits.text:
            env.text(" " * (env.limits.text + 1), at)
        return [by.join(texts)]

    return run


def _encode(text: str, form: str) -> str | None:
    data = text.encode("utf-8", "replace")
    if form == "hex":
        return data.hex()
    if form == "base64":
        return base64.b64encode(data).decode("ascii")
    if form == "urlbase64":
        return base64.urlsafe_b64encode(data).decode("ascii")
    if form == "ascii":
        return "".join(char if ord(char) < 128 else "?" for char in text)
    return None


def _decode(text: str, form: str) -> str | None:
    try:
        if form == "hex":
            return bytes.fromhex(text).decode("utf-8")
        if form == "base64":
            return base64.b64decode(text, validate=True).decode("utf-8")
        if form == "urlbase64":
            return base64.b64decode(text, altchars=b"-_", validate=True).decode("utf-8")
    except (ValueError, binascii.Error):
        return None
    return None


def _escape(text: str, target: str) -> str | None:
    if target == "html":
        return html.escape(text, quote=True)
    return json.dumps(text, ensure_ascii=False)[1:-1] if target == "json" else None


def _unescape(text: str, target: str) -> str | None:
    if target == "html":
        return html.unescape(text)
    if target != "json":
        return None
    return joined_surrogates(_JSON_ESCAPE.sub(_json_character, text))


def _json_character(match: re.Match[str]) -> str:
    found: str = json.loads(f'"{match[0]}"')
    return found


FUNCTIONS = {
    "indexOf": _on_text("indexOf", str.find, 1),
    "lastIndexOf": _on_text("lastIndexOf", str.rfind, 1),
    "substring": Function(_optional_length, 1, 2),
    "startsWith": _on_text("startsWith", str.startswith, 1),
    "endsWith": _on_text("endsWith", str.endswith, 1),
    "contains": _on_text("contains", str.__contains__, 1),
    "upper": _on_text("upper", str.upper),
    "lower": _on_text("lower", str.lower),
    "replace": on_value(_replace, 2),
    "matches": on_value(_matches(full=False), 1, 2),
    "matchesFull": on_value(_matches(full=True), 1, 2),
    "replaceMatches": on_value(_replace_matches, 2, 3),
    "length": _on_text("length", len),
    "toChars": Function(_characters),
    "trim": _on_text("trim", lambda text: text.strip(_SPACE)),
    "split": Function(_split, 1, 1),
    "join": Function(_join, 0, 1),
    "encode": _on_text("encode", _encode, 1),
    "decode": _on_text("decode", _decode, 1),
    "escape": _on_text("escape", _escape, 1),
    "unescape": _on_text("unescape", _unescape, 1),
}
