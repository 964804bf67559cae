"""Pictures of the screens for the documentation: a house in which something has happened.

python benchmarks/pictures.py [--into docs/images]

The demo's two workflows run with its synthetic patients, the examples beside them; then each page
is taken in light, and some in dark. Needs chromium and the built screens.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
WINDOW = {"width": 1280, "height": 800}
LIMIT_S = 120
PAGES: tuple[tuple[str, str, str], ...] = (
    ("workflows", "/workflows", "light dark"),
    ("builder", "/workflows/radiology-triage", "light dark"),
    ("runs", "/runs", "light dark"),
    ("run", "/runs/{run}", "light"),
    ("failed-run", "/runs/{failed}", "light"),
    ("inbox", "/inbox/{task}", "light dark"),
    ("data", "/data/Patient", "light"),
    ("studies", "/studies", "dark"),
    ("incidents", "/incidents", "light"),
)


def careloom(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "careloom", *arguments]


class Served:
    """`careloom serve` over the home that the demo has filled."""

    def __init__(self, home: str) -> None:
        self._env = {**os.environ, "CARELOOM_HOME": home, "CARELOOM_DIMSE_PORT": "0"}
        self._env |= {"PYTHONUNBUFFERED": "1"}
        self._env.pop("DATABASE_URL", None)
        subprocess.run(careloom("demo", "--once"), env=self._env, check=True)
        self._process = subprocess.Popen(
            careloom("serve", "--port", "0"), env=self._env, stdout=subprocess.PIPE, text=True
        )
        self.key = self._until(r"(clk_[\w-]+)")
        self.url = self._until(r"answers at (http://[^/\s]+)")
        headers = {"Authorization": f"Bearer {self.key}"}
        self.api = httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def _until(self, pattern: str) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(pattern, line):
                return found[1]
        raise SystemExit(f"{pattern} was not printed")

    def data(self, path: str, **query: Any) -> Any:
        answer = self.api.get(path, params=query)
        answer.raise_for_status()
        return answer.json()["data"]

    def start(self, workflow: str, **trigger: Any) -> str:
        answer = self.api.post(f"/api/workflows/{workflow}/execute", json=trigger)
        answer.raise_for_status()
        return str(answer.json()["data"]["runId"])

    def close(self) -> None:
        self.api.close()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=30)


def something_happens(house: Served) -> dict[str, str]:
    """The examples are deployed; orders wait for a person, letters that are cut off fail."""
    for path in sorted((ROOT / "examples").glob("*.yaml")):
        kind = {"Content-Type": "application/yaml"}
        house.api.post("/api/workflows", content=path.read_bytes(), headers=kind)
    patient = house.api.get("/fhir/Patient").json()["entry"][0]["resource"]["id"]
    for what in ("CT of the chest", "MRI of the knee", "Ultrasound of the abdomen"):
        house.start("approve-order", examination=what, patientId=patient, requestedBy="Dr. Meyer")
    for number in range(3):
        house.api.put(f"/api/files/referrals/cut-off-{number}.pdf", content=b"%PDF-1.7 cut off")
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        open_tasks = house.data("/api/tasks", status="open")
        failed = house.data("/api/workflows/runs", status="failed")
        if len(open_tasks) >= 3 and len(failed) >= 3:
            break
        time.sleep(0.1)
    done = house.data("/api/workflows/runs", workflow="radiology-triage")
    return {"run": done[0]["runId"], "failed": failed[0]["runId"], "task": open_tasks[0]["id"]}


def take(page: Page, path: Path) -> None:
    """One picture with 128 colours, which is a third of the size."""
    page.wait_for_load_state("networkidle")
    page.get_by_role("heading", level=1).first.wait_for(state="attached")
    page.wait_for_timeout(800)
    image = Image.open(io.BytesIO(page.screenshot()))
    image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}  {path.stat().st_size // 1000} kB")


def pictures(house: Served, browser: Browser, names: dict[str, str], into: Path) -> None:
    for theme in ("light", "dark"):
        context = browser.new_context(
            viewport=WINDOW,  # type: ignore[arg-type]
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.goto(f"{house.url}/#key={house.key}&go=/workflows")
        page.get_by_role("grid", name="Workflows").wait_for()
        for name, address, themes in PAGES:
            if theme in themes:
                page.goto(f"{house.url}/#{address.format(**names)}")
                take(page, into / f"{name}{'-dark' if theme == 'dark' else ''}.png")
        context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "images")
    into: Path = parser.parse_args().into
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="careloom-pictures-") as home:
        house = Served(home)
        try:
            names = something_happens(house)
            with sync_playwright() as tools:
                path = shutil.which("chromium")
                browser = tools.chromium.launch(executable_path=path, args=["--no-sandbox"])
                pictures(house, browser, names, into)
                browser.close()
        finally:
            house.close()


if __name__ == "__main__":
    main()
