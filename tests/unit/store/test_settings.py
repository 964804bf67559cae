"""Settings: defaults, secrets from files, hints for wrong values, and their page."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from careloom.errors import ConfigurationError
from careloom.settings import SETTINGS, BlobPlace, Setting, Settings, careloom_home

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"
HOME = {"CARELOOM_HOME": "/srv/careloom"}


def row(setting: Setting) -> str:
    secret = " *(secret)*" if setting.is_secret else ""
    return f"| `{setting.name}`{secret} | {setting.default} | {setting.what} |"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_setting_is_documented_as_it_is(setting: Setting) -> None:
    assert row(setting) in PAGE.read_text("utf-8").splitlines()


def test_the_page_names_no_setting_that_does_not_exist() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `C")]
    assert sorted(rows) == sorted(row(s) for s in SETTINGS if s.name.startswith("CARELOOM"))


def test_every_field_is_one_setting() -> None:
    fields = [field.name for field in dataclasses.fields(Settings)]
    assert sorted(fields) == sorted(setting.attribute for setting in SETTINGS)


def test_nothing_needs_to_be_set() -> None:
    settings = Settings.from_environment(HOME)
    assert settings.home == Path("/srv/careloom")
    assert settings.key_file == Path("/srv/careloom/keys/master.key")
    assert settings.blobs == BlobPlace(folder=Path("/srv/careloom/blobs"))
    assert settings.database_url is None
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.dimse_port, settings.ae_title) == (11112, "CARELOOM")
    assert settings.environment == "development"
    assert settings.outgoing_allow == ()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_documented_default_is_the_real_one(setting: Setting) -> None:
    if isinstance(setting.fallback, bool):
        assert setting.default == ("`yes`" if setting.fallback else "`no`")
    elif setting.fallback not in (None, ()):
        assert setting.default == f"`{setting.fallback}`"


@pytest.mark.parametrize(
    ("env", "pairs"),
    [
        ({}, (("medgemma-27b", "careloom/observation-reader"),)),
        ({"CARELOOM_ENVIRONMENT": "production"}, ()),
        ({"CARELOOM_MODEL_FALLBACKS": "none"}, ()),
        (
            {"CARELOOM_ENVIRONMENT": "production", "CARELOOM_MODEL_FALLBACKS": "a=b, c=d"},
            (("a", "b"), ("c", "d")),
        ),
    ],
)
def test_only_development_has_a_stand_in_unasked(
    env: dict[str, str], pairs: tuple[tuple[str, str], ...]
) -> None:
    assert Settings.from_environment({**HOME, **env}).model_fallbacks == pairs


def test_an_empty_value_counts_as_not_set() -> None:
    assert Settings.from_environment({**HOME, "CARELOOM_PORT": " "}).port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CARELOOM_PORT", "http"),
        ("CARELOOM_PORT", "70000"),
        ("CARELOOM_PORT", "-1"),
        ("CARELOOM_DIMSE_PORT", "11112.5"),
        ("CARELOOM_HOST", "a b"),
        ("CARELOOM_HOST", "fe80::zz"),
        ("CARELOOM_AE_TITLE", "A" * 17),
        ("CARELOOM_AE_TITLE", "A\\B"),
        ("CARELOOM_ENVIRONMENT", "prod"),
        ("CARELOOM_BLOBS", "s3://"),
        ("CARELOOM_BLOBS", "s3://bucket?endpont=https://s3.example"),
        ("CARELOOM_BLOBS", "s3://bucket?endpoint=s3.example"),
        ("CARELOOM_WORKER_CONCURRENCY", "0"),
        ("CARELOOM_UPLOAD_LIMIT_MB", "2048"),
        ("CARELOOM_LOG_LEVEL", "verbose"),
        ("CARELOOM_PUBLIC_URL", "careloom.example"),
        ("CARELOOM_PUBLIC_URL", "https://careloom.example:port"),
        ("CARELOOM_OUTGOING_ALLOW", "10.0.0.1/8"),
        ("CARELOOM_OUTGOING_ALLOW", "host:99999"),
        ("CARELOOM_OUTGOING_ALLOW", "http://host"),
        ("CARELOOM_MODEL_FALLBACKS", "medgemma-27b"),
        ("CARELOOM_MAIL_FROM", "careloom"),
        ("CARELOOM_TRIAGE_NOTIFY", "a@b.example,team"),
        ("DATABASE_URL", "mysql://user:secret@host/db"),
        ("CARELOOM_SMTP_URL", "secret"),
    ],
)
def test_a_wrong_value_stops_with_its_name_and_a_hint(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment({**HOME, name: value})
    setting = next(setting for setting in SETTINGS if setting.name == name)
    assert refused.value.message.startswith(f"{name}: ")
    assert refused.value.path == name
    assert refused.value.fix == f"use {setting.hint}"
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CARELOOM_HOST", "::1", "::1"),
        ("CARELOOM_PORT", "0", 0),
        ("CARELOOM_PUBLIC_URL", "https://careloom.example/", "https://careloom.example"),
        (
            "CARELOOM_OUTGOING_ALLOW",
            "PACS:104, 10.1.0.0/16,[::1]:80",
            ("pacs:104", "10.1.0.0/16", "[::1]:80"),
        ),
        (
            "CARELOOM_MAIL_FROM",
            "Careloom <care@hospital.example>",
            "Careloom <care@hospital.example>",
        ),
        ("CARELOOM_TRIAGE_NOTIFY", "a@b.example, c@d.example", ("a@b.example", "c@d.example")),
        ("CARELOOM_BLOBS", "/data/blobs", BlobPlace(folder=Path("/data/blobs"))),
        ("CARELOOM_BLOBS", "s3://bucket", BlobPlace(bucket="bucket")),
        (
            "CARELOOM_BLOBS",
            "s3://bucket/a/b?endpoint=http://minio:9000&region=eu-1",
            BlobPlace(bucket="bucket", prefix="a/b/", endpoint="http://minio:9000", region="eu-1"),
        ),
        (
            "DATABASE_URL",
            "postgresql:///db?host=/run/postgresql",
            "postgresql:///db?host=/run/postgresql",
        ),
    ],
)
def test_a_right_value_is_read(name: str, value: str, expected: object) -> None:
    settings = Settings.from_environment({**HOME, name: value})
    attribute = name.removeprefix("CARELOOM_").lower()
    assert getattr(settings, attribute) == expected


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("xoxb-canary\n")
    env = {**HOME, "CARELOOM_SLACK_BOT_TOKEN_FILE": str(tmp_path / "token")}
    assert Settings.from_environment(env).slack_bot_token == "xoxb-canary"
    env["CARELOOM_SLACK_BOT_TOKEN_FILE"] = str(tmp_path / "missing")
    with pytest.raises(ConfigurationError, match="CARELOOM_SLACK_BOT_TOKEN_FILE"):
        Settings.from_environment(env)


def test_no_secret_shows_in_a_printed_object() -> None:
    values = {
        "DATABASE_URL": "postgresql://u:canary@h/d",
        "CARELOOM_DEDICATED_DATABASE_URL": "postgresql://u:canary@h/d",
        "CARELOOM_S3_ACCESS_KEY": "canary",
        "CARELOOM_S3_SECRET_KEY": "canary",
        "CARELOOM_SLACK_WEBHOOK_URL": "https://hooks.slack.com/canary",
        "CARELOOM_SLACK_BOT_TOKEN": "canary",
        "CARELOOM_SMTP_URL": "smtp://u:canary@h:587",
    }
    assert set(values) == {setting.name for setting in SETTINGS if setting.is_secret}
    assert "canary" not in repr(Settings.from_environment({**HOME, **values}))


def test_the_home_of_an_ordinary_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/ada")
    assert careloom_home({}) == Path("/home/ada/.local/share/careloom")
    assert careloom_home({"XDG_DATA_HOME": "/home/ada/data"}) == Path("/home/ada/data/careloom")
    assert careloom_home({"CARELOOM_HOME": "/srv/x/../y"}) == Path("/srv/y")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert careloom_home({}) == Path("/var/lib/careloom")
