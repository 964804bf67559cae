"""The screens in a real browser: first load, the canvas, and how soon a commit is seen.

python benchmarks/ui.py [--repeats N] [--seconds S] [--per-minute N] [--parts load pan …]

1. First load: a browser without a cache signs in; bytes and requests of the screens' files (as they
   are sent, without the font) and the time until the list of workflows stands.
2. Opening: from the press on a workflow of 200 steps until its canvas shows nodes and is still.
3. Panning: the canvas of 300 and of 1,000 steps is dragged with the mouse for some seconds; frames
   a second as requestAnimationFrame counts them. Once more from far away: 1,000 steps in 40
   branches, all of them in sight.
4. A long run: the page of a run of 20,000 steps, from the address until its first steps stand
   there, and until all are known; then frames a second while the list is scrolled.
5. Commit to screen: runs start at an even pace while the page of runs is open; from a run's
   `finishedAt` until its line says Done. Both clocks are this machine's.
6. Lighthouse (ui_lighthouse.py): scores of the pages.
Needs chromium. The browser draws without a graphics card. DATABASE_URL names the PostgreSQL to use.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import statistics
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from typing import Any

import report
import ui_lighthouse
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from careloom.bootstrap import Services, open_services
from careloom.cli.serve import HttpServer
from careloom.identity.service import SYSTEM_ACTOR
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE

Row = dict[str, Any]
WINDOW = {"width": 1440, "height": 900}
PATIENCE_MS = 120_000
PARTS = ("load", "pan", "run", "live", "lighthouse")
NODE, VIEWPORT = ".react-flow__node", ".react-flow__viewport"
_SENT = "performance.getEntriesByType('resource').map((e) => [e.name, e.encodedBodySize])"
_FRAMES = """(seconds) => new Promise((resolve) => {
  const times = [];
  const end = performance.now() + seconds * 1000;
  const tick = (now) => {
    times.push(now);
    if (now < end) requestAnimationFrame(tick); else resolve(times);
  };
  requestAnimationFrame(tick);
})"""
_SEEN = """() => {
  window.seen = {};
  const look = () => {
    for (const row of document.querySelectorAll('[data-key]')) {
      const key = row.dataset.key;
      if (!(key in window.seen) && row.textContent.includes('Done')) window.seen[key] = Date.now();
    }
  };
  new MutationObserver(look).observe(document.body,
    {subtree: true, childList: true, characterData: true});
}"""


def flow(name: str, steps: int) -> str:
    """A definition of so many steps in a row."""
    lines = [f"workflow:\n  id: {name}\n  name: {name}\n  trigger: {{type: manual}}\n  steps:"]
    for at in range(steps):
        lines.append(f"    - {{id: s{at}, name: Step {at}, type: session, content: 'Note {at}'}}")
    return "\n".join(lines) + "\n"


def broad(name: str, steps: int, branches: int) -> str:
    """A definition of so many steps, side by side in branches."""
    lines = [f"workflow:\n  id: {name}\n  name: {name}\n  trigger: {{type: manual}}\n  steps:"]
    lines.append("    - id: all\n      type: parallel\n      branches:")
    for at in range(steps):
        if at % (steps // branches) == 0:
            lines.append(f"        b{at}:")
        lines.append(f"          - {{id: s{at}, name: Step {at}, type: session, content: Note}}")
    return "\n".join(lines) + "\n"


def long(name: str) -> str:
    """A definition that does two steps for each item."""
    return f"""workflow:
  id: {name}
  name: {name}
  trigger: {{type: manual}}
  steps:
    - id: each
      type: foreach
      items: "{{{{trigger.items}}}}"
      steps:
        - {{id: visit, name: Visit, type: session, content: "Bed {{{{item}}}}"}}
        - {{id: note, name: Note, type: session, content: "Note {{{{item}}}}"}}
"""


class Screens:
    """The served screens, and browser contexts that are signed in."""

    def __init__(self, services: Services, browser: Browser, port: int, key: str) -> None:
        self.services, self._browser = services, browser
        self.url, self._key = f"http://127.0.0.1:{port}", key

    async def context(self) -> BrowserContext:
        context = await self._browser.new_context(viewport=WINDOW)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        return context

    async def open(self, context: BrowserContext, address: str) -> Page:
        page = await context.new_page()
        await page.goto(f"{self.url}/#key={self._key}&go={address}")
        return page


async def first_load(screens: Screens, repeats: int) -> Row:
    times, sizes, counts = [], [], []
    for _ in range(repeats):
        context = await screens.context()
        began = time.perf_counter()
        page = await screens.open(context, "/workflows")
        await page.get_by_role("grid", name="Workflows").wait_for()
        times.append((time.perf_counter() - began) * 1000)
        await page.wait_for_load_state("networkidle")
        files = [e for e in await page.evaluate(_SENT) if re.search(r"\.(js|css|svg)$", e[0])]
        sizes.append(sum(size for _, size in files))
        counts.append(len(files))
        await context.close()
    return {
        "system": "careloom",
        "case": "first_load",
        "p50_ms": round(statistics.median(times)),
        "kb": round(statistics.median(sizes) / 1000, 1),
        "requests": statistics.median(counts),
    }


async def opening(screens: Screens, name: str, steps: int, repeats: int) -> Row:
    times = []
    for _ in range(repeats):
        context = await screens.context()
        page = await screens.open(context, "/workflows")
        line = page.get_by_role("link", name=name, exact=True)
        await line.wait_for()
        began = time.perf_counter()
        await line.click()
        await page.locator(NODE).first.wait_for()
        await page.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        times.append((time.perf_counter() - began) * 1000)
        await context.close()
    return {
        "system": "careloom",
        "case": f"open_{steps}_steps",
        "p50_ms": round(statistics.median(times)),
        "max_ms": round(max(times)),
    }


async def panning(
    screens: Screens, name: str, case: str, seconds: float, repeats: int, *, far: bool = False
) -> Row:
    rates, longest = [], []
    for _ in range(repeats):
        context = await screens.context()
        page = await screens.open(context, f"/workflows/{name}")
        await page.locator(NODE).first.wait_for()
        pane = page.locator(".react-flow__pane")
        box = await pane.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] - 40
        await page.mouse.move(x, box["y"] + box["height"] / 2)
        for _ in range(12 if far else 0):
            await page.mouse.wheel(0, 400)
            await page.wait_for_timeout(100)
        stood = await settled(page)
        await page.mouse.move(x, y)
        await page.mouse.down()
        frames = asyncio.create_task(page.evaluate(_FRAMES, seconds))
        step = 0
        while not frames.done():
            step += 1
            await page.mouse.move(x + 240 * ((step % 40) / 20 - 1), y - 120 * ((step % 26) / 13))
        await page.mouse.up()
        rate, gap = paced(await frames)
        if await page.locator(VIEWPORT).get_attribute("style") == stood:
            raise SystemExit(f"the canvas of {name} did not move")
        rates.append(rate)
        longest.append(gap)
        await context.close()
    return {
        "system": "careloom",
        "case": case,
        "per_second": round(statistics.median(rates), 1),
        "max_ms": round(statistics.median(longest), 1),
    }


async def settled(page: Page) -> str | None:
    """Where the canvas stands, once it has stopped to fit itself to the window."""
    before: str | None = ""
    stands = await page.locator(VIEWPORT).get_attribute("style")
    while stands != before:
        await page.wait_for_timeout(300)
        before, stands = stands, await page.locator(VIEWPORT).get_attribute("style")
    return stands


def paced(times: list[float]) -> tuple[float, float]:
    """Frames a second, and the longest time between two."""
    gaps = [b - a for a, b in pairwise(times)]
    return 1000 * len(gaps) / (times[-1] - times[0]), max(gaps)


async def long_run(screens: Screens, items: int, seconds: float, repeats: int) -> list[Row]:
    services = screens.services
    given = {"items": list(range(items))}
    run = (await services.runs.start(DEFAULT_SCOPE, "long", given, SYSTEM_ACTOR))["runId"]
    while True:
        known = await services.runs.status(DEFAULT_SCOPE, run, limit=1)
        if known["finishedAt"]:
            break
        await asyncio.sleep(0.2)
    assert known["status"] == "succeeded", known["error"]
    whole = f"{known['stepCount']:,} of {known['stepCount']:,} steps done"
    first, all_known, rates, longest = [], [], [], []
    for _ in range(repeats):
        context = await screens.context()
        page = await screens.open(context, "/runs")
        await page.get_by_role("grid", name="Runs").wait_for()
        began = time.perf_counter()
        await page.evaluate(f"location.hash = '#/runs/{run}'")
        steps = page.get_by_role("listbox", name="Steps")
        await steps.get_by_role("option").first.wait_for()
        first.append((time.perf_counter() - began) * 1000)
        await page.get_by_text(whole, exact=True).wait_for()
        all_known.append((time.perf_counter() - began) * 1000)
        await steps.hover()
        frames = asyncio.create_task(page.evaluate(_FRAMES, seconds))
        while not frames.done():
            await page.mouse.wheel(0, 900)
        rate, gap = paced(await frames)
        if not await steps.evaluate("(list) => list.scrollTop > 10_000"):
            raise SystemExit("the list of steps did not scroll")
        rates.append(rate)
        longest.append(gap)
        await context.close()
    steps_named = f"{items * 2}_steps"
    return [
        {
            "system": "careloom",
            "case": f"{case}_{steps_named}",
            "p50_ms": round(statistics.median(times)),
            "max_ms": round(max(times)),
        }
        for case, times in (("open_run", first), ("know_run", all_known))
    ] + [
        {
            "system": "careloom",
            "case": f"scroll_run_{steps_named}",
            "per_second": round(statistics.median(rates), 1),
            "max_ms": round(statistics.median(longest), 1),
        }
    ]


async def to_screen(screens: Screens, seconds: float, per_minute: int) -> Row:
    context = await screens.context()
    page = await screens.open(context, "/runs")
    await page.get_by_role("heading", name="Runs", level=1).wait_for()
    await page.wait_for_load_state("load")
    await page.evaluate(_SEEN)
    began, started = time.perf_counter(), []
    services = screens.services
    while (due := len(started) * 60 / per_minute) < seconds:
        await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
        run = await services.runs.start(DEFAULT_SCOPE, "five", {}, SYSTEM_ACTOR)
        started.append(run["runId"])
    await page.wait_for_function("(last) => last in window.seen", arg=started[-1])
    seen: dict[str, int] = await page.evaluate("window.seen")
    delays, missed = [], 0
    for run in started:
        detail = await services.runs.status(DEFAULT_SCOPE, run)
        if run not in seen:
            missed += 1
            continue
        ended = datetime.fromisoformat(detail["finishedAt"]).timestamp()
        delays.append(seen[run] - ended * 1000)
    await context.close()
    return {
        "system": "careloom",
        "case": "commit_to_screen",
        "runs_a_minute": per_minute,
        "runs": len(started),
        "scrolled_by": missed,
        **{f"p{n}_ms": round(report.percentile(delays, n / 100)) for n in (50, 95)},
        "max_ms": round(max(delays)),
    }


async def deploy(services: Services, definition: str) -> None:
    await services.deployment.deploy(DEFAULT_SCOPE, definition, SYSTEM_ACTOR, format="yaml")


async def in_parts(screens: Screens, options: argparse.Namespace) -> list[Row]:
    """The parts that are asked for, in their order."""
    timing = options.seconds, options.repeats
    rows = []
    if "load" in options.parts:
        rows.append(await first_load(screens, options.repeats))
        rows.append(await opening(screens, "flow200", 200, options.repeats))
    if "pan" in options.parts:
        for steps in (300, 1000):
            case = f"pan_{steps}_steps"
            rows.append(await panning(screens, f"flow{steps}", case, *timing))
        rows.append(await panning(screens, "broad", "pan_1000_steps_far", *timing, far=True))
    if "run" in options.parts:
        rows += await long_run(screens, 10_000, *timing)
    if "live" in options.parts:
        for pace in (60, options.per_minute):
            rows.append(await to_screen(screens, options.seconds * 4, pace))
    return rows


async def measure(options: argparse.Namespace) -> None:
    environment = {"CARELOOM_HOME": options.home}
    for name in ("DATABASE_URL", "CARELOOM_SCREENS"):
        if os.environ.get(name):
            environment[name] = os.environ[name]
    settings = Settings.from_environment(environment)
    async with open_services(settings, listen=False) as services, async_playwright() as tools:
        server = HttpServer(services, "127.0.0.1", 0)
        await server.start()
        issued = await services.identity.ensure_first_key()
        assert issued is not None
        for steps in (5, 200, 300, 1000):
            name = "five" if steps == 5 else f"flow{steps}"
            await deploy(services, flow(name, steps))
        await deploy(services, broad("broad", 1000, 40))
        await deploy(services, long("long"))
        browser = await tools.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        screens = Screens(services, browser, server.port, issued.text)
        rows = await in_parts(screens, options)
        await browser.close()
        if "lighthouse" in options.parts:
            rows += await ui_lighthouse.measured(tools, services, screens.url, issued.text)
        await server.stop()
    conditions = {
        "browser": "chromium, headless, software rendering, 1440 x 900",
        "process": "server, worker and the browser's driver in one; the browser beside it",
        "repeats": options.repeats,
        "seconds": options.seconds,
    }
    report.write("ui", conditions, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--per-minute", type=int, default=1000)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    if shutil.which("chromium") is None:
        raise SystemExit(json.dumps({"missing": "chromium"}))
    with tempfile.TemporaryDirectory(prefix="careloom-ui-") as home:
        options.home = home
        asyncio.run(measure(options))


if __name__ == "__main__":
    main()
