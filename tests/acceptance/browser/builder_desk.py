"""What tests of the builder do with a tab: drag, drop, type, and look at what was saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from playwright.sync_api import Locator, Page
from tests.acceptance.browser.place import House, go, until

TRIAGE = """\
workflow:
  id: radiology-ai-workflow
  trigger:
    type: dicom
    event: "NewImageUploaded"

  steps:
    - id: analyze-image
      type: worker
      worker: radiology-assistant
      input:
        file: "{{trigger.file}}"
      output: analysisResult

    - id: store-observation
      type: fhir
      action: create
      resourceType: Observation
      data:
        status: final
        category: imaging
        code:
          text: "AI Analysis Result"
        subject:
          reference: "Patient/{{trigger.patientId}}"
        valueString: "{{steps.analyze-image.output.analysisResult}}"

    - id: notify-radiologist
      type: bot
      tool: Slack.send
      params:
        channel: "#radiology"
        message: "AI detected potential issue for Patient {{trigger.patientId}}"
"""
"""The radiology workflow of the source documents, as written."""
OBSERVATION = """\
status: final
category: imaging
code:
  text: AI Analysis Result
subject:
  reference: Patient/{{trigger.patientId}}
valueString: "{{steps.analyze-image.output.analysisResult}}"
"""
MESSAGE = "AI detected potential issue for Patient {{trigger.patientId}}"


@dataclass(frozen=True)
class Builder:
    """The builder in one tab."""

    house: House
    tab: Page

    def open(self, address: str) -> None:
        go(self.tab, self.house, address)
        self.tab.locator("[data-node]").first.wait_for()

    def begin(self, source: str) -> str:
        """A draft from a text, opened; its id."""
        made = self.house.api.post("/api/drafts", json={"source": source})
        assert made.status_code == 201, made.text
        draft = str(made.json()["data"]["id"])
        self.open(f"/workflows/new?draft={draft}")
        return draft

    def node(self, key: str) -> Locator:
        return self.tab.locator(f'[data-node="{key}"]')

    def select(self, key: str) -> None:
        self.node(key).click()
        self.tab.locator(f'[data-node="{key}"][data-selected]').wait_for()

    def drag(self, component: str, onto: Locator) -> None:
        """From the palette, as a hand does it."""
        item = self.tab.locator(f'[data-component="{component}"]')
        item.scroll_into_view_if_needed()
        start, end = item.bounding_box(), onto.bounding_box()
        assert start is not None
        assert end is not None
        mouse = self.tab.mouse
        mouse.move(start["x"] + 20, start["y"] + 10)
        mouse.down()
        mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=8)
        mouse.up()

    def field(self, label: str) -> Locator:
        return self.tab.locator("[data-inspector]").get_by_label(label, exact=True).first

    def yaml(self) -> Locator:
        """The editor of the YAML, opened when it is not."""
        toggle = self.tab.get_by_role("button", name="YAML", exact=True)
        if toggle.get_attribute("aria-pressed") == "false":
            toggle.click()
        editor = self.tab.get_by_label("YAML of the workflow")
        editor.wait_for()
        return editor

    def write_yaml(self, text: str) -> None:
        """Replace the whole text, as by pasting."""
        self.yaml().click()
        self.tab.keyboard.press("Control+a")
        self.tab.keyboard.insert_text(text)

    def draft_id(self) -> str:
        """Of the draft that the tab shows, once it is kept on the server."""
        self.tab.wait_for_url("**draft=drf_*")
        return self.tab.url.partition("draft=")[2].partition("&")[0]

    def stored(self) -> dict[str, Any]:
        return dict(self.house.get(f"/api/drafts/{self.draft_id()}"))

    def saved(self, holds: Any) -> dict[str, Any]:
        """The draft as the server has it, once `holds` of its source."""
        return dict(until(self.stored, lambda draft: holds(draft["source"])))

    def steps(self) -> list[str]:
        """Ids of the steps on the canvas, from top to bottom."""
        found = self.tab.locator("[data-node]").evaluate_all(
            "nodes => nodes.map(node => [node.dataset.node, node.getBoundingClientRect().top])"
        )
        plain = [one for one in found if ":" not in one[0] and one[0] not in ("start", "end")]
        return [key for key, _ in sorted(plain, key=lambda one: one[1])]

    def said(self, words: str) -> None:
        self.tab.locator("[data-said]", has_text=words).wait_for(state="attached")


def meaning(source: str) -> Any:
    """What a source says, with the id of a workflow that has only a name."""
    inner = yaml.safe_load(source)["workflow"]
    name = inner.pop("name", None)
    return {"id": name, **inner}
