"""Which models answer for others is a setting of the house."""

from __future__ import annotations

import pytest
from tests.conftest import create_database
from tests.integration.conftest import OpenHouse

from careloom.errors import ConfigurationError
from careloom.types import JsonObject

FLOW: JsonObject = {
    "id": "read",
    "trigger": {"type": "manual"},
    "steps": [{"id": "ask", "type": "model", "model": "medgemma-27b", "input": {"text": "x"}}],
}


@pytest.mark.parametrize(("given", "status"), [("none", 422), ("", 201)])
async def test_a_model_without_a_stand_in_is_refused(
    open_house: OpenHouse, given: str, status: int
) -> None:
    desk = await (await open_house({"CARELOOM_MODEL_FALLBACKS": given})).desk()
    answer = await desk.deploy(FLOW)
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["error"]["code"] == "E-MODEL"


async def test_a_stand_in_must_be_installed(open_house: OpenHouse, server_dsn: str) -> None:
    env = {
        "CARELOOM_MODEL_FALLBACKS": "medgemma-27b=somebody/else",
        "DATABASE_URL": await create_database(server_dsn),
    }
    with pytest.raises(ConfigurationError) as refused:
        await open_house(env)
    assert refused.value.path == "CARELOOM_MODEL_FALLBACKS"
    assert "careloom/observation-reader" in str(refused.value.fix)
