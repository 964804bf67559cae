"""The examples of the client's pages, one after the other as a reader would run them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.integration.ai.conftest import Ward

from .conftest import ROOT, Served, node

PAGES = {"sdk/js/README.md": 1, "docs/howto/javascript.md": 9}
"""The pages, and how many examples each has at least."""
_EXAMPLE = re.compile(r"^```js\n(.*?)^```(?:\n+```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
async def test_the_examples_of_a_page_run(
    page: str, served: Served, project: Path, ward: Ward
) -> None:
    await ward.model("openai/gpt-4")
    found = _EXAMPLE.findall((ROOT / page).read_text("utf-8"))
    assert len(found) >= PAGES[page]
    for number, (code, printed) in enumerate(found):
        script = project / f"example-{number}.mjs"
        code = code.replace("clk_default_…", served.desk.key)
        script.write_text(code.replace("http://127.0.0.1:8000", served.url), "utf-8")
        given = {"CARELOOM_URL": served.url, "CARELOOM_API_KEY": served.desk.key}
        status, out, err = await node(script, env=given)
        assert status == 0, f"{code}\n{err}"
        if printed:
            assert out == printed, code
        else:
            assert out.strip(), code
