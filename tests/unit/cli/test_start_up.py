"""A command imports what it needs: counted in modules, as time says more of the machine."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from careloom.cli.main import VERBS

SOUND = "id: sound\nsteps:\n  - id: nap\n    type: wait\n    duration: 1s\n"
PROGRAM = """\
import json, sys
from careloom.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
SERVER = {"careloom.api.app", "fastapi", "uvicorn", "starlette"}
HEAVY = SERVER | {"careloom.bootstrap", "httpx", "numpy", "pydicom", "pynetdicom", "PIL"}


def loaded(folder: Path, *words: str) -> set[str]:
    """Every module that a process has imported when the command ends."""
    environment = {**os.environ, "CARELOOM_HOME": str(folder / "home")}
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stderr.splitlines()[-1])
    return set(found)


def test_help_imports_no_command(tmp_path: Path) -> None:
    own = {name for name in loaded(tmp_path, "--help") if name.startswith("careloom")}
    assert own == {
        "careloom",
        "careloom.cli",
        "careloom.cli.main",
        "careloom.errors",
        "careloom.types",
    }


def test_validate_imports_no_database_house_or_server(tmp_path: Path) -> None:
    (tmp_path / "sound.yaml").write_text(SOUND)
    found = loaded(tmp_path, "validate", "sound.yaml")
    assert found & HEAVY == set()
    assert "careloom.workflows.verification" in found, "it was checked"


@pytest.mark.parametrize("verb", ["run", "logs", "deploy", "retry", "diff", "audit", "key"])
def test_commands_import_no_server(tmp_path: Path, verb: str) -> None:
    assert loaded(tmp_path, verb, "--help") & SERVER == set()


@pytest.mark.parametrize("module", VERBS)
def test_what_help_says_is_what_the_modules_have(module: str) -> None:
    commands = argparse.ArgumentParser().add_subparsers()
    import_module(f"careloom.cli.{module}").register(commands)
    said = {one.dest: one.help for one in commands._choices_actions}
    assert said == VERBS[module]
