"""The two calls of the referral tutorial (source document 002), with what it leaves open."""

from __future__ import annotations

import asyncio
import base64
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from careloom.audit.trail import Selection
from careloom.samples.demo import LETTER
from careloom.samples.referral_pdf import digital_pdf
from careloom.samples.referral_scan import scan_pdf

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House, Mailbox, OpenHouse

URGENCIES = {"emergency", "urgent", "routine"}
SECRETS = ("Elderwood", "Margaret", "SYN200417", "1954", "penicillin", "palpitations")


@pytest.fixture(scope="module")
def letter() -> bytes:
    return digital_pdf(LETTER)


async def _sent(desk: Desk, path: str, data: bytes, name: str = "letter.pdf") -> httpx.Response:
    return await desk.client.post(path, files={"file": (name, data, "application/pdf")})


async def test_an_uploaded_letter_answers_with_the_beginning_of_its_text(
    desk: Desk, letter: bytes
) -> None:
    answer = await _sent(desk, "/upload-referral/", letter)
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"extracted_text"}
    text = answer.json()["extracted_text"]
    assert "Elderwood" in text
    assert len(text) == 500


async def test_a_short_letter_answers_whole(desk: Desk) -> None:
    answer = await _sent(desk, "/upload-referral/", digital_pdf("Dear Colleague,\nThank you.\n"))
    assert answer.json()["extracted_text"].split() == ["Dear", "Colleague,", "Thank", "you."]


async def test_triage_answers_urgency_confidence_and_whether_the_team_was_told(
    desk: Desk, letter: bytes
) -> None:
    answer = await _sent(desk, "/triage-referral/", letter)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["urgency"] in URGENCIES
    assert 0 <= body["confidence"] <= 1
    assert body["notified"] is False
    assert body["notification"] == "captured"
    [message] = await desk.data("/api/messages")
    assert message["status"] == "captured"
    assert body["referral_id"] in message["text"]
    _no_patient_in(f"{message['subject']} {message['text']}")


@pytest.mark.parametrize("path", ["/upload-referral/", "/triage-referral/"])
@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"MZ\x90\x00 not a letter", 415),
        (b"<html><body>letter</body></html>", 415),
        (b"plain words that say they are a PDF", 415),
        (b"", 400),
    ],
    ids=["program", "page", "text", "empty"],
)
async def test_what_is_no_pdf_is_refused_whatever_its_name_says(
    desk: Desk, path: str, data: bytes, status: int
) -> None:
    answer = await _sent(desk, path, data)
    assert answer.status_code == status, answer.text
    assert answer.json()["success"] is False
    assert answer.json()["error"]["code"]
    assert await desk.data("/api/messages") == []


async def test_a_broken_pdf_is_refused_with_a_reason(desk: Desk, letter: bytes) -> None:
    for data in (letter[:200], b"%PDF-1.7\n" + b"\x00" * 300):
        answer = await _sent(desk, "/upload-referral/", data)
        assert answer.status_code in (400, 415, 422), answer.text
        assert answer.json()["error"]["fix"]


async def test_requests_do_not_share_a_file(desk: Desk) -> None:
    """The tutorial writes each upload to the same temp.pdf."""
    letters = [digital_pdf(f"Letter number {number} of many\n") for number in range(8)]
    answers = [await _sent(desk, "/upload-referral/", data) for data in letters]
    for number, answer in enumerate(answers):
        assert f"number {number} of" in answer.json()["extracted_text"]


async def test_http_basic_with_a_key_takes_a_letter(house: House, desk: Desk) -> None:
    client = await house.client()
    credential = base64.b64encode(f"key:{desk.key}".encode()).decode()
    answer = await client.post(
        "/upload-referral/",
        files={"file": ("a.pdf", digital_pdf("Dear Colleague\n"))},
        headers={"Authorization": f"Basic {credential}"},
    )
    assert answer.status_code == 200, answer.text


async def test_who_may_not_hand_in_documents_is_refused(
    house: House, desk: Desk, letter: bytes
) -> None:
    viewer = await house.desk("viewer", scope=desk.scope)
    assert (await _sent(viewer, "/triage-referral/", letter)).status_code == 403
    device = await house.desk("device", scope=desk.scope)
    assert (await _sent(device, "/triage-referral/", letter)).status_code == 200


async def test_the_table_of_the_tutorial_has_its_columns_and_the_text_sealed(
    desk: Desk, letter: bytes
) -> None:
    answer = await _sent(desk, "/triage-referral/", letter)
    columns = "id, patient_id, referral_text, urgency, confidence, created_at"
    [row] = await desk.services.db.query(desk.scope.tenant, f"SELECT {columns} FROM referrals")
    assert b"Elderwood" not in row["referral_text"]
    assert str(row["id"]) == answer.json()["referral_id"]
    assert (row["urgency"], row["confidence"]) == (
        answer.json()["urgency"],
        answer.json()["confidence"],
    )


async def test_a_scan_without_a_text_layer_is_read(desk: Desk) -> None:
    answer = await _sent(desk, "/upload-referral/", scan_pdf(LETTER[:700], 3))
    assert answer.status_code == 200, answer.text
    assert "Elderwood" in answer.json()["extracted_text"]


async def test_the_link_leads_to_the_letter_for_those_who_may_read_it(
    house: House, desk: Desk, letter: bytes
) -> None:
    answer = await _sent(desk, "/triage-referral/", letter)
    [message] = await desk.data("/api/messages")
    path = "/referrals/" + message["text"].rpartition("/referrals/")[2]
    shown = await desk.data(path)
    assert shown["urgency"] == answer.json()["urgency"]
    assert "Elderwood" in shown["referral_text"]
    device = await house.desk("device", scope=desk.scope)
    assert (await device.get(path)).status_code == 403
    stranger = await house.desk()
    assert (await stranger.get(path)).status_code == 404
    chosen = Selection(entity=f"Referral/{shown['referral_id']}")
    rows = await desk.services.trail.page(desk.scope.tenant, chosen)
    assert [row.values["action"] for row in rows] == ["referral.create", "referral.read"]


def _no_patient_in(text: str) -> None:
    assert not [secret for secret in SECRETS if secret.lower() in text.lower()]


@pytest.fixture
async def mailed(open_house: OpenHouse, mailbox: Mailbox) -> House:
    """The house with a mail server in its settings."""
    return await open_house({"CARELOOM_SMTP_URL": mailbox.url, "CARELOOM_MAIL_FROM": "c@h.example"})


async def test_the_team_gets_a_link_by_mail_and_nothing_about_the_patient(
    mailed: House, mailbox: Mailbox, letter: bytes
) -> None:
    desk = await mailed.desk()
    answer = await _sent(desk, "/triage-referral/", letter)
    assert answer.json()["notified"] is True, answer.text
    [mail] = mailbox.mails
    assert mail["To"] == "triage@hospital.example"
    assert mail["From"] == "c@h.example"
    text = _text(mail)
    link = f"https://careloom.hospital.example/referrals/{answer.json()['referral_id']}"
    assert link in text
    assert answer.json()["urgency"] in text
    _no_patient_in(f"{mail['Subject']} {text}")
    [message] = await desk.data("/api/messages")
    assert message["status"] == "sent"
    assert message["receipt"]["reference"] == mail["Message-ID"]


async def test_the_same_letter_again_gets_the_first_answer_and_the_team_no_second_mail(
    mailed: House, mailbox: Mailbox, letter: bytes
) -> None:
    desk = await mailed.desk()
    first = await _sent(desk, "/triage-referral/", letter)
    again = await _sent(desk, "/triage-referral/", letter, "renamed.pdf")
    assert first.json()["notified"] is True
    assert again.json() == first.json()
    assert len(mailbox.mails) == len(await desk.data("/api/messages")) == 1
    other = await _sent(await mailed.desk(), "/triage-referral/", letter)
    assert other.json()["referral_id"] != first.json()["referral_id"]


async def test_of_two_that_send_the_same_letter_at_once_one_tells_the_team(
    mailed: House, mailbox: Mailbox, letter: bytes
) -> None:
    desk = await mailed.desk()
    answers = await asyncio.gather(*(_sent(desk, "/triage-referral/", letter) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["referral_id"] for answer in answers}) == 1
    assert len(mailbox.mails) == 1
    [message] = await desk.data("/api/messages")
    assert message["status"] == "sent"


async def test_a_letter_is_kept_when_the_team_cannot_be_told_yet_and_told_with_the_next_try(
    mailed: House, mailbox: Mailbox, letter: bytes
) -> None:
    desk = await mailed.desk()
    mailbox.refuse.append("451 try later")
    answer = await _sent(desk, "/triage-referral/", letter)
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"]
    assert "again" in answer.json()["error"]["fix"]
    [message] = await desk.data("/api/messages")
    assert (message["status"], message["receipt"]["code"]) == ("pending", "delivery_failed")
    again = await _sent(desk, "/triage-referral/", letter)
    assert again.json()["notified"] is True, again.text
    assert len(mailbox.mails) == 1
    [message] = await desk.data("/api/messages")
    assert message["status"] == "sent"
    chosen = Selection(entity=f"Message/{message['id']}")
    rows = await desk.services.trail.page(desk.scope.tenant, chosen)
    assert [row.values["action"] for row in rows] == ["message.pending", "message.sent"]


async def test_a_mail_server_that_refuses_for_good_is_said_and_not_asked_again(
    mailed: House, mailbox: Mailbox, letter: bytes
) -> None:
    desk = await mailed.desk()
    mailbox.refuse.append("554 no such thing here")
    answer = await _sent(desk, "/triage-referral/", letter)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["notified"], body["notification"]) == (False, "failed")
    assert body["notification_error"]["code"] == "delivery_refused"
    assert "554" in body["notification_error"]["message"]
    assert body["urgency"] in URGENCIES
    assert (await _sent(desk, "/triage-referral/", letter)).json() == body
    assert mailbox.mails == []
    incident = await desk.incident("message.failed")
    assert incident["count"] == 1
    _no_patient_in(str(incident))
    assert (await desk.get(f"/referrals/{body['referral_id']}")).status_code == 200


async def test_production_without_a_mail_server_refuses_the_letter(
    open_house: OpenHouse, letter: bytes
) -> None:
    production = await open_house({"CARELOOM_ENVIRONMENT": "production"})
    desk = await production.desk(environment="production")
    answer = await _sent(desk, "/triage-referral/", letter)
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"]["code"] == "no_connection"
    assert "CARELOOM_SMTP_URL" in answer.json()["error"]["fix"]
    assert await desk.services.db.query(desk.scope.tenant, "SELECT 1 FROM referral") == []


def _text(mail: EmailMessage) -> str:
    content: Any = mail.get_content()
    return str(content)
