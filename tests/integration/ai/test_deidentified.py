"""Models that may see no patient data: what leaves the house for them, and what comes back."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from typing import Any

import numpy as np
import orjson
from PIL import Image
from tests.ai_server.script import Asked, Say
from tests.integration.ai.conftest import Ward
from tests.integration.dicom.burned import as_file, ground, strokes, ultrasound, with_words

from careloom.types import JsonObject

PATIENT: JsonObject = {
    "resourceType": "Patient",
    "name": [{"family": "Quetzalmeier", "given": ["Annegret", "Ida"]}],
    "birthDate": "1951-03-07",
    "identifier": [{"system": "http://hospital.example/mrn", "value": "MRN-7719-Q"}],
    "telecom": [
        {"system": "phone", "value": "0171 5550 4711"},
        {"system": "email", "value": "aq@mail.example"},
    ],
    "address": [{"line": ["Zaunkönigweg 12"], "city": "Oberammerbach", "postalCode": "82487"}],
    "contact": [{"name": {"family": "Hollerbusch", "given": ["Veit"]}}],
    "text": {
        "status": "generated",
        "div": "<div xmlns='http://www.w3.org/1999/xhtml'>Quetzalmeier</div>",
    },
}
SECRETS = (
    *(
        "Quetzalmeier",
        "Annegret",
        "MRN-7719",
        "MRN7719",
        "5550",
        "aq@mail",
        "Zaunk",
        "Oberammerbach",
    ),
    *("82487", "1951", "Hollerbusch", "Veit", "Quetzalmaier", "QUETZALMEIER", "quetzalmeier"),
)
NOTE = (
    "Frau QUETZALMEIER (A. Quetzalmaier, geb. 7.3.51, MRN 7719 Q) rief an, Tel. +49 171 55504711."
    " Ihr Neffe Veit Hollerbusch wohnt auch am Zaunkönigweg 12 in Oberammerbach."
    " Kreatinin 1,3 mg/dl, Bisoprolol 5 mg 1-0-0."
)
TOOLS = {
    "tools": [
        {
            "toolName": "fhir_access",
            "config": {"permissions": ["read"], "resourceTypes": ["Patient", "Observation"]},
        }
    ]
}


def wire(asked: Asked) -> str:
    """Everything that went to the provider, letters as letters."""
    return orjson.dumps(asked.body).decode() + str(asked.headers)


def clean(ward: Ward) -> None:
    for asked in ward.ai.script.asked:
        sent = wire(asked)
        assert not [secret for secret in SECRETS if secret in sent], sent


async def _ready(ward: Ward, **given: Any) -> tuple[str, str]:
    """A pinned session with a worker whose model may see no patient data: (session, patient)."""
    await ward.model(dataClass="deidentified", contextLength=200_000)
    answer = await ward.desk.post("/fhir/Patient", PATIENT)
    assert answer.status_code == 201, answer.text
    patient = str(answer.json()["id"])
    worker = await ward.worker(toolConfigs=TOOLS, **given)
    return await ward.session(worker["id"], patientId=patient), patient


async def test_nobody_is_named_to_the_model_and_everybody_in_the_house(ward: Ward) -> None:
    session, patient = await _ready(ward)

    def look(asked: Asked) -> Say:
        # The model asks about the patient by the placeholder that it was shown.
        shown = asked.texts
        if any(one["role"] == "tool" for one in asked.body["messages"]):
            who, number = _first("NAME", shown), _first("PHONE", shown)
            return Say(f"Call {who} at {number}; Kreatinin ist 1,3 mg/dl.")
        return Say(calls=(("fhir_read", {"resourceType": "Patient", "id": _id_in(shown)}),))

    ward.ai.script.otherwise = look
    task = await ward.say(session, f"{NOTE} Der Datensatz ist Patient/{patient}.")
    assert task["status"] == "completed", task
    assert "QUETZALMEIER" in task["answer"]["content"]
    assert "171 5550" in task["answer"]["content"]
    assert len(ward.ai.script.asked) == 2
    clean(ward)
    sent = wire(ward.ai.script.asked[-1])
    assert patient not in sent
    for kept in ("1,3 mg/dl", "5 mg 1-0-0", "Patient/[ID_"):
        assert kept in sent
    # The next turn sends the whole conversation again.
    ward.ai.script.otherwise = lambda asked: Say("Ja.")
    assert (await ward.say(session, "Und wie heißt Annegrets Neffe?"))["status"] == "completed"
    clean(ward)
    await _log_says_what_was_sent(ward)


def _first(kind: str, text: str) -> str:
    """The first placeholder of a type."""
    found = re.search(rf"\[{kind}_\d+\]", text)
    assert found is not None, text
    return found[0]


def _id_in(text: str) -> str:
    at = text.index("Patient/[ID_")
    return text[at + len("Patient/") : text.index("]", at) + 1]


async def _log_says_what_was_sent(ward: Ward) -> None:
    first = (await ward.calls())[-1]
    shown = await ward.desk.data(f"/api/ai/calls/{first['id']}")
    kept = orjson.dumps(shown["request"]["messages"]).decode()
    sent = orjson.dumps(shown["request"]["sent"]).decode()
    assert "QUETZALMEIER" in kept
    assert not [secret for secret in SECRETS if secret in sent]
    run = (await ward.calls())[-1]["runId"]
    lines = {"Accept": "application/x-ndjson"}
    trail = await ward.desk.get(f"/api/workflows/runs/{run}/audit", headers=lines)
    assert '"masked":true' in trail.text.replace(" ", "").replace("\\", "")
    assert not [secret for secret in SECRETS if secret in trail.text]


async def test_the_form_of_an_answer_survives_its_placeholders(ward: Ward) -> None:
    await ward.model(dataClass="deidentified")
    await ward.worker(outputSchema={"type": "object", "properties": {"who": {"type": "string"}}})
    flow = {
        "id": "ask",
        "steps": [
            {
                "id": "s",
                "type": "worker",
                "worker": "helper",
                "input": {"record": "{{trigger.record}}"},
            },
        ],
        "output": {"who": "{{steps.s.output.who}}"},
    }
    await ward.desk.deployed(flow)
    odd = {**PATIENT, "name": [{"family": 'Quetzalmeier "Die\nGroße"', "given": ["Annegret"]}]}

    def answer(asked: Asked) -> Say:
        return Say(f'{{"who": "{_first("NAME", asked.texts)}", "confidence": 0.9}}')

    ward.ai.script.otherwise = answer
    run = await ward.desk.execute("ask", {"record": odd})
    assert run["status"] == "succeeded", run
    assert run["output"]["who"] == 'Quetzalmeier "Die\nGroße"'
    clean(ward)


async def test_what_cannot_be_masked_is_refused_in_words(ward: Ward) -> None:
    session, _ = await _ready(ward)
    french = "Le patient est venu avec sa femme pour une douleur dans la poitrine depuis hier."
    task = await ward.say(session, french)
    assert (task["status"], task["error"]["code"]) == ("failed", "redaction_language")
    await ward.model("seeing", dataClass="deidentified", takes=["image"])
    worker = await ward.worker("looker", defaultModelName="seeing")
    other = await ward.session(worker["id"])
    png = await ward.desk.client.put("/api/files/uploads/scan.png", content=PNG)
    assert png.status_code in (200, 201), png.text
    parts = [{"type": "text", "text": "Look."}, {"type": "image", "uri": png.json()["data"]["uri"]}]
    task = await ward.say(other, parts)
    assert (task["status"], task["error"]["code"]) == ("failed", "media_not_deidentified")
    assert ward.ai.script.asked == []


async def test_an_image_of_the_archive_is_shown_without_its_words(ward: Ward) -> None:
    await ward.model("seeing", dataClass="deidentified", takes=["image"])
    worker = await ward.worker("looker", defaultModelName="seeing")
    session = await ward.session(worker["id"])
    picture, ink = ground(), strokes()
    for name, dataset in (
        ("good", ultrasound(with_words(picture, ink))),
        ("photo", ultrasound(picture, Modality="XC", SOPInstanceUID="1.2.826.13.9")),
    ):
        path = f"/api/files/uploads/Quetzalmeier-{name}.dcm"
        stored = await ward.desk.client.put(path, content=as_file(dataset))
        assert stored.status_code == 201, stored.text
    ward.ai.script.otherwise = lambda asked: Say("I see speckle.")

    async def shown(name: str) -> JsonObject:
        uri = f"dicom://uploads/Quetzalmeier-{name}.dcm"
        words = {"type": "text", "text": f"Look at {uri}."}
        return await ward.say(session, [words, {"type": "image", "uri": uri}])

    task = await shown("good")
    assert task["status"] == "completed", task
    (asked,) = ward.ai.script.asked
    sent = wire(asked)
    assert "Quetzalmeier" not in sent
    assert "1.2.826.13" not in sent
    (image,) = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", sent)
    seen = np.asarray(Image.open(BytesIO(base64.b64decode(image))))
    assert seen.shape == picture.shape
    assert (seen[ink] <= 8).all()
    task = await shown("photo")
    assert (task["status"], task["error"]["code"]) == ("failed", "media_not_deidentified")
    assert len(ward.ai.script.asked) == 1


async def test_a_worker_that_reads_records_shows_none_to_a_model_of_no_class(ward: Ward) -> None:
    await ward.model(dataClass="none")
    worker = await ward.worker(dataClass="none", toolConfigs=TOOLS)
    session = await ward.session(worker["id"])
    task = await ward.say(session, "Hello")
    assert (task["status"], task["error"]["code"]) == ("failed", "model_data_class")
    assert ward.ai.script.asked == []


async def test_words_that_come_one_by_one_are_the_houses(ward: Ward) -> None:
    session, _ = await _ready(ward)
    ward.ai.script.otherwise = lambda asked: Say(
        f"Guten Tag {_first('NAME', asked.texts)}, alles gut? " * 12
    )
    task = await ward.say(session, "Frau Quetzalmeier ist da.", stream=True)
    assert task["answer"]["content"] == "Guten Tag Quetzalmeier, alles gut? " * 12
    clean(ward)
    whole = await ward.desk.get(
        f"/api/sessions/{session}/stream", headers={"Last-Event-ID": "0.end"}
    )
    blocks = [block for block in whole.text.split("\n\n") if "event: delta" in block]
    told = "".join(orjson.loads(block.partition("data: ")[2])["text"] for block in blocks)
    assert "Quetzalmeier" in told
    assert "NAME_" not in whole.text


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
