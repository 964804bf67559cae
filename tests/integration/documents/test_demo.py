"""`careloom demo` as somebody meets it who starts it for the first time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest
from tests.conftest import create_database

from careloom.cli.main import main
from careloom.samples.referral_pdf import digital_pdf

NOWHERE = "postgresql://127.0.0.1:1/nothing"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARELOOM_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.mark.parametrize("option", ["--referral", "--dicom"])
@pytest.mark.parametrize(
    ("content", "said"), [(b"", "the file is empty"), (None, "No such file")], ids=str
)
def test_a_file_that_is_empty_or_missing_is_refused_before_anything_starts(
    option: str,
    content: bytes | None,
    said: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    given = home / "given.pdf"
    if content is not None:
        given.write_bytes(content)
    assert main(["demo", "--once", option, str(given)]) == 1
    shown = capsys.readouterr()
    assert said in shown.err
    assert str(given) in shown.err
    assert not shown.out


def test_a_letter_of_no_known_type_is_refused_before_anything_starts(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    given = home / "letter.docx"
    given.write_bytes(b"PK\x03\x04\x00\x00")
    assert main(["demo", "--once", "--referral", str(given)]) == 1
    assert "unsupported_document" in capsys.readouterr().err


def test_without_a_terminal_no_key_is_made_and_the_output_says_what_stays_and_who_decides(
    home: Path,
    server_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dsn = asyncio.run(create_database(server_dsn))
    monkeypatch.setenv("DATABASE_URL", dsn)
    letter = home / "letter.pdf"
    letter.write_bytes(digital_pdf("Dear Colleague,\n\nPlease see this man, whose knee hurts.\n"))
    assert main(["demo", "--once", "--referral", str(letter)]) == 0
    said = capsys.readouterr().out
    assert "your file letter.pdf" in said
    assert said.count("captured") == said.count("captured: no Slack connection is configured") == 1
    assert "message  to #radiology: " in said
    assert "Run waiting for a person" in said
    assert "To decide: start `careloom serve`" in said
    assert "stay in the database of DATABASE_URL" in said
    assert asyncio.run(_keys(dsn)) == 0


async def _keys(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM careloom.api_key"))
    finally:
        await connection.close()
