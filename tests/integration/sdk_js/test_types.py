"""The client's types, compiled: its sources, its declarations, the documents' scripts.

TypeScript is installed by `make test` from the lock file in tests/clients/node.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from .conftest import HERE, NODE, PACKAGE, ROOT
from .scripts import blocks, whole

PACKAGES = ROOT / "tests" / "clients" / "node" / "node_modules"
OPTIONS = {
    "noEmit": True,
    "strict": True,
    "target": "es2022",
    "module": "nodenext",
    "lib": ["es2022", "dom", "dom.iterable", "dom.asynciterable"],
    "types": [],
    "allowJs": True,
    "checkJs": True,
    "skipLibCheck": False,
}


def _compiled(project: Path, *files: Path) -> str:
    """What TypeScript says of these files; nothing when they are right."""
    assert (PACKAGES / "typescript").is_dir(), "run `make test`, or npm ci in tests/clients/node"
    paths = {"careloom-client": [str(PACKAGE / "src" / "index.d.ts")]}
    given = {
        "compilerOptions": {**OPTIONS, "paths": paths},
        "files": [str(file) for file in files],
    }
    (project / "tsconfig.json").write_text(json.dumps(given), "utf-8")
    done = subprocess.run(
        [NODE, PACKAGES / "typescript" / "bin" / "tsc", "--project", project],
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_sources_and_declarations_agree(project: Path) -> None:
    sources = sorted((PACKAGE / "src").glob("*.*s"))
    assert len(sources) >= 10
    assert _compiled(project, *sources, HERE / "declared.ts") == ""


def test_the_documents_scripts_have_no_wrong_type(project: Path, seeds: Path) -> None:
    [workflows] = blocks(next(seeds.glob("000*.txt")).read_text())
    stores = whole(next(seeds.glob("003*.txt")).read_text(), "any", refused="fhirClient.update(")
    scripts = {
        "workflows.mjs": workflows.replace("@boolbyte/engine", "careloom-client"),
        "stores.mjs": stores,
    }
    for name, script in scripts.items():
        (project / name).write_text(script, "utf-8")
    assert _compiled(project, *(project / name for name in scripts)) == ""


def test_a_wrong_type_would_be_noticed(project: Path) -> None:
    wrong = project / "wrong.ts"
    wrong.write_text(
        "import { EngineClient } from 'careloom-client';\n"
        "export const workflows: number = new EngineClient().workflow.listWorkflows();\n",
        "utf-8",
    )
    assert "wrong.ts(2,14): error TS2322" in _compiled(project, wrong)
