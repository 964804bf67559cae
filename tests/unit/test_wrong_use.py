"""What the command line says of wrong use, and of a reader that has seen enough."""

from __future__ import annotations

import subprocess
import sys

import pytest

from careloom.cli.main import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["logs", "--status", "nonsense"], "choose from"),
        (["run", "flow", "--input", "{oops"], "not JSON"),
        (["run", "flow", "--input", "[1]"], "not a JSON object"),
        (["retry", "run_1", "--input", "5"], "not a JSON object"),
    ],
)
def test_wrong_use_ends_with_2_before_anything_is_opened(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    words = [sys.executable, "-m", "careloom", "validate", "--schema"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")
