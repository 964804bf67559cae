"""A blank page and a page about something else: stored, told of, but not triaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from careloom.samples.referral_pdf import digital_pdf
from careloom.samples.referral_scan import scan_pdf

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

MINUTES = (
    "Minutes of the gardening society\n\nThe committee met in the village hall and voted on the\n"
    "colour of the new fence. Members are asked to bring chairs to the next meeting.\n"
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (digital_pdf("\n"), "text:none"),
        (scan_pdf(" ", 1), "text:none"),
        (digital_pdf(MINUTES), "text:not_a_referral"),
    ],
    ids=["blank", "blank scan", "minutes"],
)
async def test_no_urgency_and_no_specialty_is_claimed(desk: Desk, data: bytes, reason: str) -> None:
    files = {"file": ("letter.pdf", data, "application/pdf")}
    answer = await desk.client.post("/triage-referral/", files=files)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["urgency"], body["specialty"], body["confidence"]) == ("unknown", None, 0)
    assert (body["needs_review"], body["review_reasons"]) == (True, [reason])
    kept = await desk.data(f"/referrals/{body['referral_id']}")
    assert kept["urgency"] == "unknown"
