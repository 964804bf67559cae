"""The pages in a real browser against a real server, as a person uses them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from careloom.api.screens.pages import APP_PAGE, FILES
from careloom.samples.demo import LETTER
from careloom.samples.referral_pdf import digital_pdf

STARTED_S = 60
WORKFLOW = """
workflow:
  id: admission
  name: Admission
  trigger: {type: manual}
  steps:
    - id: patient
      name: Write down the patient
      type: fhir
      action: create
      resourceType: Patient
      data:
        name: [{family: "{{trigger.name}}"}]
    - id: review
      name: A person decides
      type: task
      title: May the patient stay?
      show:
        patient: "{{steps.patient.output.reference}}"
    - id: tell
      name: Tell the desk
      type: bot
      tool: Slack.send
      params:
        channel: "#desk"
        message: "Decided: {{steps.review.output.decision}}"
"""
FAILING = """
workflow:
  id: letter
  name: Letter
  trigger: {type: manual}
  steps:
    - id: read
      name: Read the letter
      type: document
      action: read
      file: "{{trigger.letter}}"
"""
REVIEW = """
workflow:
  id: review
  name: Review of a letter
  trigger: {type: manual}
  steps:
    - id: triage
      name: Read and triage the letter
      type: document
      action: triage
      file: "{{trigger.letter}}"
    - id: person
      name: A person reviews it
      type: task
      title: Is this letter urgent?
      show:
        letter: "{{trigger.letter}}"
        scan: "{{trigger.scan}}"
        why: "{{trigger.why}}"
        referral: "{{steps.triage.output.referral}}"
"""
ROUND = """
workflow:
  id: round
  name: Round on a ward
  trigger: {type: manual}
  onFailure: rollback
  steps:
    - id: note
      name: Write a note
      type: fhir
      action: create
      resourceType: Basic
      data: {code: {text: round}}
    - id: beds
      name: Go from bed to bed
      type: foreach
      items: "{{trigger.beds}}"
      steps:
        - {id: bed, name: Visit a bed, type: session, content: "Bed {{item}}"}
    - id: letter
      name: Read a letter
      type: document
      action: read
      file: "{{trigger.letter}}"
      fallback:
        - {id: without, name: Go on without, type: session, content: No letter}
    - {id: pause, name: Take a break, type: wait, duration: "{{trigger.break}}"}
    - id: last
      name: Read another letter
      type: document
      action: read
      file: "{{trigger.letter}}"
"""
ASKED = """
workflow:
  id: asked
  name: A form with a suggestion
  trigger: {type: manual}
  steps:
    - id: agree
      type: task
      title: Do you agree?
      suggestion: {value: {agree: true}, confidence: 0.7}
      form:
        resourceType: Questionnaire
        status: active
        item: [{linkId: agree, type: boolean, text: I agree, required: true}]
"""


@dataclass
class Server:
    """`careloom serve` in its own home, and the first key it printed."""

    process: subprocess.Popen[str]
    lines: Queue[str | None] = field(default_factory=Queue)
    said: list[str] = field(default_factory=list)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def until(self, pattern: str) -> str:
        """Wait for a printed line; returns what the group of the pattern caught."""
        while True:
            try:
                line = self.lines.get(timeout=STARTED_S)
            except Empty:
                line = None
            if line is None:
                raise AssertionError(f"{pattern} was not printed: {self.said}")
            self.said.append(line)
            if found := re.search(pattern, line):
                return found[1]


@dataclass(frozen=True)
class House:
    """Where the server answers, its key, and a client of its API."""

    url: str
    key: str
    api: httpx.Client

    def start(self, workflow: str, **fields: Any) -> str:
        answer = self.api.post(f"/api/workflows/{workflow}/execute", json=fields)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["data"]["runId"])

    def task(self, run: str) -> dict[str, Any]:
        """The task of a run, once it is there."""
        deadline = time.monotonic() + STARTED_S
        while time.monotonic() < deadline:
            tasks = self.api.get("/api/tasks", params={"limit": 200}).json()["data"]
            if mine := [task for task in tasks if task["runId"] == run]:
                return dict(mine[0])
        raise AssertionError(f"{run} opened no task")

    def keep(self, name: str, data: bytes) -> str:
        answer = self.api.put(f"/api/files/referrals/{name}", content=data)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["uri"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    environment = {
        **os.environ,
        "CARELOOM_HOME": str(tmp_path_factory.mktemp("home")),
        "CARELOOM_DIMSE_PORT": "0",
        "PYTHONUNBUFFERED": "1",
    }
    environment.pop("DATABASE_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "careloom", "serve", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Server(process)
    reader = threading.Thread(target=server.read, daemon=True)
    reader.start()
    try:
        key = server.until(r"^\s*(clk_\S+)$")
        url = server.until(r"Careloom answers at (http://\S+)")
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, headers=headers, timeout=30) as api:
            for source in (WORKFLOW, FAILING, REVIEW, ROUND, ASKED):
                answer = api.post(
                    "/api/workflows", content=source, headers={"Content-Type": "application/yaml"}
                )
                assert answer.status_code == 201, answer.text
            yield House(url, key, api)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None and os.environ.get("CI") != "true":
        pytest.skip("chromium is not installed; with CI=true this fails instead")
    with sync_playwright() as tools:
        found = tools.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh tab; nothing may be wrong on its console."""
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    tab.set_default_timeout(15_000)
    wrong: list[str] = []
    tab.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    yield tab
    context.close()
    assert wrong == []


def test_a_key_in_the_fragment_signs_in_and_leaves_the_address(house: House, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{house.url}#key={house.key}")
    page.get_by_role("heading", name="Runs", exact=True).wait_for()
    assert house.key not in page.url
    assert page.evaluate("history.length") <= 2
    page.reload()
    page.get_by_role("heading", name="Runs", exact=True).wait_for()
    assert not [url for url in asked if house.key in url.partition("#")[0]]


def test_a_run_started_by_the_api_appears_and_shows_its_steps(house: House, page: Page) -> None:
    page.goto(f"{house.url}#key={house.key}")
    page.get_by_role("heading", name="Runs", exact=True).wait_for()
    run = house.start("admission", name="Rossi")
    row = page.locator(f'a.row[href*="{run}"]')
    row.get_by_text("Waiting").wait_for()
    row.click()
    steps = page.get_by_label("Steps")
    steps.get_by_text("Write down the patient").wait_for()
    steps.get_by_text("Waiting for a person").wait_for()
    reference = page.get_by_label("What came of it").get_by_role("link", name="Patient/").first
    reference.click()
    page.locator("pre.json").get_by_text('"Rossi"').wait_for()


def test_a_task_is_approved_with_the_keyboard_alone(house: House, page: Page) -> None:
    run = house.start("admission", name="Bianchi")
    page.goto(f"{house.url}#key={house.key}&go=/runs/{run}")
    page.get_by_role("link", name="Open the task").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="May the patient stay?").wait_for()
    page.locator("[data-opened]:focus").wait_for()
    comment = page.get_by_label("Comment")
    for _ in range(8):
        page.keyboard.press("Tab")
        if comment.evaluate("node => node === document.activeElement"):
            break
    page.keyboard.type("Seen and agreed")
    for _ in range(2):  # two refreshes of the page leave the field alone
        page.wait_for_event("response", lambda answer: "/api/tasks" in answer.url)
    assert comment.input_value() == "Seen and agreed"
    page.locator("button:not([aria-disabled])", has_text="Approve").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    decided = page.locator(".notice.decided")
    decided.get_by_text("Approved. The run goes on").wait_for()
    decided.get_by_text("Your comment: Seen and agreed").wait_for()
    decided.locator(":focus").wait_for()
    assert page.url.endswith(house.task(run)["id"]), "the page stays on what was decided"
    page.goto(f"{house.url}#/runs/{run}")
    page.locator(".run-head").get_by_text("Done").wait_for()
    page.locator("blockquote").get_by_text("Decided: approve").wait_for()
    tasks = house.api.get("/api/tasks").json()["data"]
    assert [task["status"] for task in tasks if task["runId"] == run] == ["completed"]


def test_a_second_click_decides_nothing(house: House, page: Page) -> None:
    """Two clicks 300 ms apart at one place; then a press on the next task the moment it appears."""
    runs = [house.start("admission", name=name) for name in ("Ferrari", "Esposito")]
    first, second = (house.task(run) for run in runs)
    page.goto(f"{house.url}#key={house.key}&go=/inbox/{first['id']}")
    approve = page.get_by_role("button", name="Approve")
    page.locator("button:not([aria-disabled])", has_text="Approve").wait_for()
    box = approve.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x, y)
    page.wait_for_timeout(300)
    page.mouse.click(x, y)
    page.locator(f'a.row[href*="{first["id"]}"]').wait_for(state="detached")
    assert [house.task(run)["status"] for run in runs] == ["completed", "requested"]
    page.goto(f"{house.url}#/inbox")
    page.locator(f'a.row[href*="{second["id"]}"]').wait_for()
    inert = page.evaluate(
        """(address) => new Promise((resolve) => {
            new MutationObserver((_, watch) => {
                const button = document.querySelector('.decision .main');
                if (!button || !location.hash.endsWith(address)) return;
                watch.disconnect();
                button.click();
                resolve(button.getAttribute('aria-disabled'));
            }).observe(document.body, { subtree: true, childList: true });
            location.hash = '#/inbox/' + address;
        })""",
        second["id"],
    )
    assert inert == "true"
    page.locator("button:not([aria-disabled])", has_text="Approve").wait_for()
    assert house.task(runs[1])["status"] == "requested"
    approve.click()
    page.locator(".notice.decided").wait_for()
    assert house.task(runs[1])["status"] == "completed"


def test_who_holds_a_task_is_said(house: House, page: Page) -> None:
    task = house.task(house.start("admission", name="Colombo"))
    claimed = house.api.post(f"/api/tasks/{task['id']}/claim").json()["data"]
    page.goto(f"{house.url}#key={house.key}&go=/inbox/{task['id']}")
    page.locator(".task").get_by_text(f"Held by {claimed['assignee']}").first.wait_for()


def test_a_letter_is_read_beside_its_task(house: House, page: Page) -> None:
    letter = house.keep("letter.txt", LETTER.encode())
    scan = house.keep("scan.pdf", digital_pdf(LETTER))
    why = ["missing:birth_date", "W-COERCE", "another reason"]
    run = house.start("review", letter=letter, scan=scan, why=why)
    task = house.task(run)
    page.goto(f"{house.url}#key={house.key}&go=/inbox/{task['id']}")
    told = page.get_by_label("What to look at")
    for said in ("The birth date was not found.", "Another reason.", "Elderwood", "SYN200417"):
        told.get_by_text(said, exact=True).first.wait_for()
    words = told.inner_text()
    for hidden in ("Start", "0.95", "null", "missing:", "W-COERCE", "{"):
        assert hidden not in words, hidden
    page.locator("a.row").get_by_text(re.compile(r"^Margaret Elderwood · .*letter\.txt")).wait_for()
    page.get_by_role("button", name="Show letter.txt").click()
    page.locator(".file-text").get_by_text("Dear Colleague").wait_for()
    page.get_by_role("button", name="Show scan.pdf").click()
    page.locator('iframe[src^="blob:"]').wait_for()
    page.get_by_role("button", name="Hide scan.pdf").click()
    page.locator("iframe").wait_for(state="detached")
    page.goto(f"{house.url}#/runs/{run}")
    page.get_by_role("meter", name="Confidence").wait_for()
    assert page.get_by_role("meter").count() == 1, "one bar for the one decision"
    page.get_by_role("button", name="What the confidence rests on").click()
    page.get_by_text("Of the urgency").wait_for()


def test_an_incident_says_what_to_do_and_is_closed(house: House, page: Page) -> None:
    house.start("letter", letter="nothing")
    page.goto(f"{house.url}#key={house.key}&go=/incidents")
    card = page.locator("li.card").filter(has_text="Run failed").first
    card.get_by_text("Open the run to see the cause").wait_for()
    card.get_by_role("link", name="Open the run").wait_for()
    card.get_by_role("button", name="Close").click()
    card.get_by_text("Closed").wait_for()


def test_a_failed_run_opens_on_its_cause(house: House, page: Page) -> None:
    run = house.start("letter", letter="no address")
    page.goto(f"{house.url}#key={house.key}&go=/runs")
    page.locator(f'a.row[href*="{run}"]').get_by_text("Failed").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.get_by_text("Failed at “Read the letter”").wait_for()
    opened = page.locator(".step-open")
    opened.get_by_text("must be a file:// address").wait_for()


def test_a_run_is_cancelled_only_after_a_question(house: House, page: Page) -> None:
    run = house.start("admission", name="Verdi")
    page.goto(f"{house.url}#key={house.key}&go=/runs/{run}")
    page.get_by_role("button", name="Cancel the run").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Let it go on").click()
    dialog.wait_for(state="detached")
    assert house.api.get(f"/api/workflows/runs/{run}").json()["data"]["status"] != "cancelled"
    page.get_by_role("button", name="Cancel the run").click()
    dialog.get_by_role("button", name="Cancel the run").click()
    page.locator(".run-head").get_by_text("Cancelled").wait_for()
    steps = page.get_by_label("Steps")
    steps.get_by_text("Cancelled").wait_for()
    assert steps.get_by_text("Waiting for a person").count() == 0
    steps.get_by_role("button", name="A person decides").click()
    steps.get_by_role("link", name="Show the task").click()
    page.get_by_text("This task is no longer open: its run ended").wait_for()
    assert page.get_by_role("button", name="Approve").count() == 0


def test_loops_fallbacks_and_a_rollback_are_shown_in_words(house: House, page: Page) -> None:
    beds = list(range(1, 24))
    run = house.start("round", beds=beds, letter="no address", **{"break": "10ms"})
    page.goto(f"{house.url}#key={house.key}&go=/runs/{run}")
    page.locator(".run-head").get_by_text("Rolled back").wait_for()
    assert page.locator(".run-head .button").count() == 0
    steps = page.get_by_label("Steps")
    assert steps.get_by_text("Visit a bed, item").count() == 20
    steps.get_by_text("3 further steps of loops, all done").wait_for()
    row = steps.get_by_role("button", name="Read a letter")
    row.get_by_text("By fallback").wait_for()
    steps.get_by_text("Undo: Write a note").wait_for()
    names = steps.locator(".step-name").all_inner_texts()
    assert [name.split("\n")[0] for name in names][:2] == ["Write a note", "Go from bed to bed"]


def test_a_run_is_paused_and_goes_on_from_its_page(house: House, page: Page) -> None:
    run = house.start("round", beds=[], letter="no address", **{"break": "1h"})
    page.goto(f"{house.url}#key={house.key}&go=/runs/{run}")
    page.get_by_text("Waiting until").first.wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("No further step begins before somebody lets it go on").wait_for()
    row = page.locator(f'a.row[href*="{run}"]')
    row.get_by_text("Paused").wait_for()
    page.get_by_role("button", name="Go on", exact=True).click()
    row.get_by_text("Waiting").wait_for()


def test_a_suggestion_is_seen_and_a_form_is_not_approved_unread(house: House, page: Page) -> None:
    run = house.start("asked")
    task = house.task(run)["id"]
    page.goto(f"{house.url}#key={house.key}&go=/inbox/{task}")
    page.get_by_text("Suggested (confidence 70 %)").wait_for()
    page.get_by_text("I agree (required)").wait_for()
    assert page.get_by_role("button", name="Approve").count() == 0
    page.get_by_role("button", name="Reject").wait_for()


def test_a_failed_run_is_tried_again_from_its_page(house: House, page: Page) -> None:
    run = house.start("letter", letter="no address")
    page.goto(f"{house.url}#key={house.key}&go=/runs/{run}")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_url(lambda url: "/runs/run_" in url and run not in url)
    page.locator(".run-head").get_by_text("Failed").wait_for()
    page.get_by_role("button", name="Identity").click()
    page.get_by_role("link", name=run).click()
    page.get_by_role("link", name="open the run that took its place").wait_for()


def test_a_run_is_started_from_its_workflow(house: House, page: Page) -> None:
    page.goto(f"{house.url}#key={house.key}&go=/workflows")
    page.keyboard.press("/")
    page.get_by_label("Find").press_sequentially("admi")
    page.get_by_role("link", name="Letter").wait_for(state="detached")
    page.get_by_role("link", name="Admission").click()
    form = page.get_by_label("Input of a run")
    form.fill("{no JSON")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("alert").get_by_text("No run was started").wait_for()
    form.fill('{"name": "Gallo"}')
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Waiting for a person").first.wait_for()
    assert "#/runs/run_" in page.url


def test_older_runs_are_pages_in_the_address(house: House, page: Page) -> None:
    first = house.start("letter", letter="none")
    for _ in range(50):
        house.start("letter", letter="none")
    page.goto(f"{house.url}#key={house.key}&go=/runs?workflow=letter")
    page.locator("a.row").nth(49).wait_for()
    assert page.locator("a.row").count() == 50
    assert page.locator(f'a.row[href*="{first}"]').count() == 0
    page.get_by_role("link", name="Older").click()
    page.locator(f'a.row[href*="{first}"]').wait_for()
    page.reload()
    page.locator(f'a.row[href*="{first}"]').wait_for()
    page.get_by_role("link", name="Newest").click()
    page.locator(f'a.row[href*="{first}"]').wait_for(state="detached")


def test_a_lost_connection_is_said_and_heals(house: House, browser: Browser) -> None:
    context = browser.new_context(reduced_motion="reduce")
    tab = context.new_page()
    tab.goto(f"{house.url}#key={house.key}")
    tab.get_by_role("heading", name="Runs", exact=True).wait_for()
    context.set_offline(True)
    tab.get_by_text("The server does not answer").wait_for()
    tab.get_by_role("heading", name="Runs", exact=True).wait_for()
    context.set_offline(False)
    tab.get_by_text("The server does not answer").wait_for(state="detached")
    context.close()


def test_a_wrong_key_is_said(house: House, browser: Browser) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(house.url)
    tab.get_by_label("API key").fill("clk_default_wrong")
    tab.keyboard.press("Enter")
    tab.get_by_role("alert").get_by_text("This key is not known here").wait_for()
    assert tab.evaluate("sessionStorage.length") == 0
    context.close()


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_no_page_is_wider_than_its_window(house: House, page: Page, width: int) -> None:
    run = house.start("admission", name="Neri")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{house.url}#key={house.key}&go=/runs/{run}")
    page.get_by_text("Waiting for a person").first.wait_for()
    for place in ("runs", "inbox", "workflows/admission", "incidents", "messages"):
        page.goto(f"{house.url}#/{place}")
        page.locator("h1").first.wait_for(state="attached")
        page.wait_for_function("!document.querySelector('.loading')")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place


def test_files_carry_policy_and_validator_and_no_other_file_is_served(house: House) -> None:
    first = httpx.get(house.url)
    assert "default-src 'self'" in first.headers["content-security-policy"]
    assert first.headers["content-type"].startswith("text/html")
    again = httpx.get(house.url, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    names = re.findall(r'(?:href|src)="(screens/[^"]+)"', first.text)
    assert names
    script = httpx.get(house.url + "screens/app.js")
    assert script.headers["content-type"].startswith("text/javascript")
    for name in ("pages.py", "index.html", "..%2Fpages.py", "%2e%2e%2f%2e%2e%2fapp.py"):
        assert httpx.get(f"{house.url}screens/{name}").status_code == 404, name


def test_every_file_of_the_pages_is_served() -> None:
    folder = Path(__file__).parents[2] / "src/careloom/api/screens/static"
    assert sorted(path.name for path in folder.iterdir()) == sorted((*FILES, APP_PAGE))
