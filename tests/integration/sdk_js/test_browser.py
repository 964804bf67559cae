"""The client in a browser: the files of the package, imported by a page without a build."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, Route, async_playwright

from .conftest import PACKAGE, Served

SCRIPT = """
import { EngineClient, EngineError } from './client/index.js';

const client = new EngineClient({ apiKey: window.key });
const told = { baseUrl: client.baseUrl };
const workflow = await client.workflow.createWorkflow({
  name: 'from-a-page',
  steps: [{ id: 'pause', type: 'wait', duration: '10ms' }],
  output: { said: '{{trigger.note}}' },
});
const { data } = await client.workflow.execute(workflow.data.id, { note: 'ü' });
told.output = (await client.workflow.waitForRun(data.runId)).data.output;
const resource = { resourceType: 'Patient', name: [{ family: 'Page' }] };
const made = await client.fhir.create({ resource });
const found = await client.fhir.search({
  resourceType: 'Patient',
  searchParams: { family: 'Page' },
});
told.found = found.entry.map((entry) => entry.resource.id === made.id);
const file = new File(['Dear Colleague'], 'letter.txt', { type: 'text/plain' });
told.uri = (await client.file.uploadFile(file)).data.uri.slice(0, 7);
let again;
const opened = () => (again ??= client.workflow.execute(workflow.data.id, { note: 'again' }));
for await (const { event, data: change } of client.stream('runs', { opened })) {
  if (change.status !== 'succeeded') continue;
  told.heard = [event, change.runId === (await again).data.runId];
  break;
}
try {
  await client.workflow.getWorkflow('nothing-here');
} catch (error) {
  told.refused = [error instanceof EngineError, error.code];
}
const controller = new AbortController();
const asked = client.workflow.listRuns({ signal: controller.signal });
controller.abort();
told.aborted = await asked.catch((error) => error.name);
document.querySelector('output').textContent = JSON.stringify(told);
"""
PAGE = (
    f'<!doctype html><title>Client</title><output></output><script type="module">{SCRIPT}</script>'
)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None and os.environ.get("CI") != "true":
        pytest.skip("chromium is not installed; with CI=true this fails instead")
    async with async_playwright() as tools:
        browser = await tools.chromium.launch(executable_path=path, args=["--no-sandbox"])
        tab = await browser.new_page()
        tab.set_default_timeout(60_000)
        yield tab
        await browser.close()


async def test_a_page_works_with_the_files_as_they_are(served: Served, page: Page) -> None:
    async def file(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        await route.fulfill(path=PACKAGE / "src" / name, content_type="text/javascript")

    async def html(route: Route) -> None:
        await route.fulfill(body=PAGE, content_type="text/html; charset=utf-8")

    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    await page.route(f"{served.url}/client/*", file)
    await page.route(f"{served.url}/page.html", html)
    await page.add_init_script(f"window.key = '{served.desk.key}'")
    await page.goto(f"{served.url}/page.html")
    output: Any = await page.wait_for_function(
        "document.querySelector('output').textContent"
        " && JSON.parse(document.querySelector('output').textContent)"
    )
    assert wrong == []
    assert await output.json_value() == {
        "baseUrl": served.url,
        "output": {"said": "ü"},
        "found": [True],
        "uri": "file://",
        "heard": ["run", True],
        "refused": [True, "workflow_not_found"],
        "aborted": "AbortError",
    }
