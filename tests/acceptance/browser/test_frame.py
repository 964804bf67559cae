"""The frame around the pages: signing in, the rail, Ctrl K, the keys, the theme, a lost line."""

from __future__ import annotations

import httpx
from playwright.sync_api import Page, expect
from tests.acceptance.browser.place import Axe, House, both_themes, go, sign_in

ASKED = """
workflow:
  id: frame-asked
  name: A question
  trigger: {type: manual}
  steps:
    - {id: ask, type: task, title: May this go on?}
"""


def test_a_key_in_the_address_signs_in_and_leaves_the_address_until_one_signs_out(
    house: House, page: Page, axe: Axe, expected: list[str]
) -> None:
    expected.append("status of 401")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, house, house.key, "/incidents")
    page.get_by_role("heading", name="Incidents", level=1).wait_for()
    assert house.key not in page.url
    assert page.url.endswith("#/incidents")
    page.reload()
    page.get_by_role("heading", name="Incidents", level=1).wait_for()
    assert not [url for url in asked if house.key in url.partition("#")[0]]
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.get_by_label("API key", exact=True).wait_for()
    page.reload()
    # Signed out: a wrong key is said, and nothing of it is kept.
    page.get_by_label("API key", exact=True).fill("clk_default_wrong")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("This key is not known here").wait_for()
    both_themes(page, axe)
    page.reload()
    expect(page.get_by_label("API key", exact=True)).to_have_value("")


def test_a_link_with_a_key_takes_nobody_s_place_unasked(house: House, page: Page, axe: Axe) -> None:
    tab = page
    sign_in(tab, house, house.key_for("viewer"))
    who = tab.evaluate("localStorage.getItem('careloom.who')")
    link = f"{house.url}/#key={house.key}&go=/incidents"
    tab.goto(link)
    tab.get_by_role("heading", name="Sign in with the key of this link?").wait_for()
    assert house.key not in tab.url
    both_themes(tab, axe)
    tab.get_by_role("button", name="Stay signed in").click()
    tab.get_by_role("heading", name="Incidents", level=1).wait_for()
    assert tab.evaluate("localStorage.getItem('careloom.who')") == who
    tab.goto(link)
    tab.get_by_role("button", name="Sign in with the key of the link").click()
    tab.get_by_role("heading", name="Incidents", level=1).wait_for()
    assert tab.evaluate("localStorage.getItem('careloom.who')") != who


def test_any_page_and_any_run_is_reached_by_a_command(
    house: House, signed_in: Page, axe: Axe
) -> None:
    go(signed_in, house, "/workflows")
    signed_in.get_by_role("heading", name="Workflows", level=1).wait_for()
    signed_in.keyboard.press("Control+k")
    box = signed_in.get_by_role("combobox", name="Search pages, workflows and commands")
    box.fill("incid")
    signed_in.get_by_role("option", name="Incidents").wait_for()
    both_themes(signed_in, axe)
    signed_in.keyboard.press("Enter")
    signed_in.get_by_role("heading", name="Incidents", level=1).wait_for()
    expect(box).to_be_hidden()
    run = f"run_{'0' * 32}"
    signed_in.keyboard.press("Control+k")
    box.fill(run)
    signed_in.get_by_role("option", name=f"Open {run}").wait_for()


def test_a_reader_skips_the_rail_and_the_keys_are_listed(
    house: House, signed_in: Page, axe: Axe
) -> None:
    go(signed_in, house, "/workflows")
    signed_in.get_by_role("heading", name="Workflows", level=1).wait_for()
    signed_in.keyboard.press("Tab")
    signed_in.keyboard.press("Enter")
    signed_in.locator("main:focus").wait_for()
    signed_in.keyboard.press("?")
    keys = signed_in.get_by_role("dialog", name="Keys")
    keys.get_by_text("Commands and search").wait_for()
    both_themes(signed_in, axe)
    signed_in.keyboard.press("Escape")
    expect(keys).to_be_hidden()


def test_an_address_of_no_page_says_so_and_the_theme_is_chosen_and_kept(
    house: House, signed_in: Page, axe: Axe
) -> None:
    go(signed_in, house, "/nowhere")
    signed_in.get_by_role("heading", name="There is no page at this address").wait_for()
    both_themes(signed_in, axe)
    signed_in.emulate_media(color_scheme="light")
    signed_in.get_by_role("button", name="Use dark colours").click()
    signed_in.locator("html[data-theme=dark]").wait_for(state="attached")
    signed_in.reload()
    signed_in.get_by_role("button", name="Use light colours").wait_for()
    signed_in.locator("html[data-theme=dark]").wait_for(state="attached")


def test_a_lost_line_is_said_and_heals(house: House, signed_in: Page, expected: list[str]) -> None:
    expected.append("ERR_INTERNET_DISCONNECTED|ERR_NETWORK_IO_SUSPENDED|ERR_CONNECTION")
    go(signed_in, house, "/workflows")
    last = signed_in.get_by_role("navigation", name="Pages").get_by_role("link").last
    last.wait_for()
    signed_in.context.set_offline(True)
    try:
        last.click()
        signed_in.get_by_text("The server does not answer. What you see").wait_for()
    finally:
        signed_in.context.set_offline(False)
    signed_in.get_by_text("The server does not answer. What you see").wait_for(state="detached")


def test_a_session_that_ends_loses_nothing_that_was_typed(
    house: House, page: Page, expected: list[str], axe: Axe
) -> None:
    expected.append("status of 401")
    key = house.key_for("admin")
    sign_in(page, house, key, "/connections?edit=new")
    name = page.get_by_role("textbox", name="Name")
    name.fill("half-typed")
    ended = httpx.delete(
        f"{house.url}/api/browser-sessions", headers={"Authorization": f"Bearer {key}"}
    )
    assert ended.status_code == 200, ended.text
    page.get_by_label("Incoming webhook", exact=True).fill("https://hooks.slack.com/services/T/B/x")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("alert").get_by_text("The session has ended").wait_for()
    both_themes(page, axe)
    page.get_by_label("API key", exact=True).fill(key)
    page.keyboard.press("Enter")
    expect(name).to_be_visible()
    assert name.input_value() == "half-typed"
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("region", name="Connection half-typed").wait_for()


def test_a_second_sign_in_in_the_browser_makes_the_first_tab_fail_at_nothing(
    house: House, page: Page, expected: list[str]
) -> None:
    expected.append("403")
    task = house.task(house.start(house.deploy(ASKED)))["id"]
    sign_in(page, house, house.key, f"/inbox/{task}")
    page.get_by_role("button", name="Claim", exact=True).wait_for()
    other = page.context.new_page()
    other.goto(f"{house.url}/#key={house.key}&go=/workflows")
    other.get_by_role("button", name="Sign in with the key of the link").click()
    other.get_by_role("navigation", name="Pages").wait_for()
    page.get_by_role("button", name="Claim", exact=True).click()
    page.get_by_role("button", name="Give back").wait_for()


def test_another_person_who_signs_in_gets_nothing_of_what_the_one_before_had_open(
    house: House, page: Page, expected: list[str]
) -> None:
    expected.append("401")
    task = house.task(house.start(house.deploy(ASKED)))["id"]
    sign_in(page, house, house.key, f"/inbox/{task}")
    page.get_by_label("Comment").fill("A word of the first person")
    page.evaluate("localStorage.setItem('careloom.draft.new', 'what was not saved')")
    page.context.clear_cookies()
    page.get_by_role("button", name="Claim", exact=True).click()
    page.get_by_label("API key", exact=True).fill(house.key_for("viewer"))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Pages").wait_for()
    page.wait_for_function("location.hash !== '' && !location.hash.startsWith('#/inbox')")
    assert "A word of the first person" not in page.content()
    assert page.evaluate("localStorage.getItem('careloom.draft.new')") is None
