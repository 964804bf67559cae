"""The text form of API keys."""

from __future__ import annotations

import pytest

from careloom.identity.keytext import KeyText, generate, parse


@pytest.mark.parametrize("tenant", ["default", "st-mary_s", "a", "A_1_b", "x" * 63])
def test_a_key_reads_back_with_its_tenant(tenant: str) -> None:
    key = generate(tenant)
    assert parse(key.text) == key
    assert key.text.startswith(f"clk_{tenant}_{key.key_id}_")
    assert key.secret not in key.prefix


def test_two_keys_never_share_a_secret() -> None:
    keys = [generate("t") for _ in range(500)]
    assert len({key.secret for key in keys}) == len({key.key_id for key in keys}) == 500


def test_a_typing_error_anywhere_is_seen_without_the_database() -> None:
    text = generate("default").text
    for place in range(len(text)):
        changed = "A" if text[place] != "A" else "B"
        assert parse(text[:place] + changed + text[place + 1 :]) is None
    assert parse(text[:-1]) is None
    assert parse(text + "0") is None
    assert parse(f" {text}") is None
    assert parse(f"{text}\n") is None


@pytest.mark.parametrize("tenant", ["", "-a", "a b", "ä", "a/b", "x" * 64])
def test_a_tenant_that_cannot_stand_in_a_key_does_not_read_back(tenant: str) -> None:
    assert parse(generate(tenant).text) is None


def test_the_secret_is_not_in_the_repr() -> None:
    key = KeyText("t", "k", "hidden-secret")
    assert "hidden" not in repr(key)
