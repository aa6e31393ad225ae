"""The page in a real browser. Skipped where Chromium or Playwright is not installed."""

import shutil
import sys

import pytest

from tests.processes import PATIENCE
from tests.project import ROOT
from tests.serving.conftest import PICTURE, STAND_IN
from tests.serving.test_server import PROGRAM

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def control(tmp_path):
    """For the stand-in."""
    folder = tmp_path / "control"
    folder.mkdir()
    return folder


@pytest.fixture
def token():
    """Of the server; None if it asks for none."""
    return


@pytest.fixture
def address(tmp_path, control, processes, token):
    """Of a server."""
    command = [sys.executable, "-c", PROGRAM, tmp_path / "served", STAND_IN, control]
    command += [token] if token else []
    server = processes.start(command, cwd=ROOT, stdout=-1)
    return f"http://127.0.0.1:{int(server.stdout.readline())}"


@pytest.fixture
def person(chromium, address):
    """Opens the page for a new person; fails at the end if a browser complained or asked elsewhere."""
    contexts, complaints, asked = [], [], []

    def opened():
        context = chromium.new_context()
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.wait_for_selector("#access:not([hidden]), #send:not([hidden])")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(f"{address}/")] == []


def file(name, content=PICTURE):
    return {"name": name, "mimeType": "image/png", "buffer": content}


def shows(page, selector, text):
    page.wait_for_function(
        "([selector, text]) => document.querySelector(selector).textContent.includes(text)",
        arg=[selector, text],
    )


def test_a_file_from_sending_to_its_report_over_a_reload(person, control):
    (control / "hold").touch()
    page = person()
    page.set_input_files("#file", [file("a face.png")])
    shows(page, "#job-state", "3 of 12 frames")
    page.reload()
    shows(page, "#job-title", "a face.png")
    shows(page, "#job-state", "3 of 12 frames")
    shows(page, "#live", "a face.png: Reading frames")
    (control / "hold").unlink()
    shows(page, "#answer", "Cannot tell")
    shows(page, "#words", "It cannot be told")
    shows(page, "#notes", "Note: it is not calibrated.")
    shows(page, "#history-list", "Cannot tell")
    page.frame_locator("#report").get_by_text("What was found").wait_for()
    page.go_back()
    page.wait_for_selector("#job", state="hidden")
    page.go_forward()
    shows(page, "#job-title", "a face.png")


def test_what_cannot_be_scored_says_why_and_people_see_their_own_files(person):
    page, other = person(), person()
    page.set_input_files("#file", [file("clip.mp4", b"This is text."), file("empty.png", b"")])
    shows(page, "#job-state", "This is a text file")
    shows(page, "#refusals", "empty.png: This file is empty.")
    assert other.locator("#history-list li").count() == 0


def test_with_the_keyboard_alone(person):
    page = person()
    page.focus("body")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "file":
            break
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.button')).outlineStyle") != "none"
    )
    with page.expect_file_chooser() as choosing:
        page.keyboard.press("Enter")
    choosing.value.set_files([file("a face.png")])
    shows(page, "#answer", "Cannot tell")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "remove":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    shows(page, "#live", "Removed.")
    page.wait_for_selector("#history-empty:not([hidden])")


@pytest.mark.parametrize("token", ["a token of the test"])
def test_a_token_is_asked_for_once(person, address, token):
    page, other = person(), person()
    page.fill("#token", token)
    page.keyboard.press("Enter")
    page.wait_for_selector("#send:not([hidden])")
    page.set_input_files("#file", [file("a face.png")])
    page.frame_locator("#report").get_by_text("What was found").wait_for()
    other.goto(f"{address}/?#token={token.replace(' ', '%20')}")
    other.wait_for_selector("#send:not([hidden])")
    assert token not in other.url


def test_a_narrow_page_does_not_scroll_sideways(person):
    page = person()
    page.set_viewport_size({"width": 390, "height": 800})
    page.set_input_files("#file", [file(f"{'long_name_' * 11}.png", b"text")])
    shows(page, "#history-list", "long_name")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
