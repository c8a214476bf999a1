"""A search launched from the page New search, found on the page Searches, and stopped there, in a real browser."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from tests.integration.browser import page
from tests.integration.programs import QUICK_TRIALS, address, belonging, start, wait_for

NAME = "run <b onclick=alert(1)>&amp;"  # as a folder may be called
PATIENCE = 150_000  # milliseconds


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    """The portal of a search, behind a token, in a folder whose name holds HTML; its run folder and address."""
    base = tmp_path_factory.mktemp("runs")
    log = base.parent / f"{base.name}.log"
    options = ("--strategy", "random", "--width", "4", "--cells", "2", "--epochs", "1", "--concurrency", "1")
    search = start(
        log, "search", *options, "--trials", "5000", "--host", "127.0.0.1", "--port", "0", "--run-dir",
        str(base / NAME), program=QUICK_TRIALS,
    )  # fmt: skip
    yield base / NAME, address(log)
    search.terminate()
    search.wait(60)
    for process in belonging(base):
        process.kill()


def ask(portal, path, body=None, headers=None):
    """The status of an answer, and its text."""
    base = portal[1].partition("/?token=")[0]
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.timeout(600)
def test_a_search_is_launched_found_and_stopped(portal):
    run, full = portal
    base = full.partition("/?token=")[0]
    asked, broken = set(), []
    with page() as tab:
        tab.set_default_timeout(PATIENCE)
        tab.on("request", lambda request: asked.add(request.url.split("/")[2]))
        tab.on("pageerror", lambda error: broken.append(str(error)))
        tab.on("dialog", lambda dialog: broken.append(dialog.message))
        tab.goto(full)
        tab.goto(f"{base}/pages/new?run={urllib.request.quote(run.name)}")
        tab.wait_for_selector("#as")
        assert tab.inner_text("#as") == f"As {NAME}"
        tab.wait_for_selector("#estimate:has-text('MACs')")

        # What is wrong stands at its field, and nothing can be started with it.
        width = tab.get_by_label("width", exact=False).first
        assert width.input_value() == "4"
        width.fill("-3")
        tab.wait_for_selector(
            "[data-name=width] .error:has-text('width is -3; accepted: a whole number, 1 or more')"
        )
        assert tab.is_disabled("#launch")
        width.fill("4")
        # Another space has other settings.
        tab.select_option("[data-name=space] select", "resnet-global")
        assert tab.is_visible("[data-name='setting.stages']")
        assert not tab.is_visible("[data-name=width]")
        tab.select_option("[data-name=space] select", "darts-global")
        tab.fill("[data-name=trials] input", "3")
        tab.fill("[data-name=seed] input", "7")
        tab.check("#at-once")
        tab.wait_for_selector("#launch:not([disabled])")
        # From the keyboard, as everything else.
        tab.focus("#launch")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("#searches tr.new")
        assert f"starts at once beside {NAME}, which slows both" in tab.inner_text("#message")
        tab.wait_for_url("**/pages/front?run=*")
        (launched,) = (path for path in run.parent.iterdir() if path.name.endswith("digits-random"))
        settings = json.loads((launched / "settings.json").read_text())["settings"]
        assert (settings["trials"], settings["seed"], settings["width"]) == (3, 7, 4)
        assert settings["host"] == "127.0.0.1"

        tab.goto(f"{base}/pages/searches")
        row = tab.locator("#searches tr", has_text=launched.name)
        row.get_by_role("button", name=f"stop {launched.name}").click()
        row.get_by_text("stopped").or_(row.get_by_text("finished")).wait_for()
        wait_for(lambda: belonging(launched) == [], 60)
        own = tab.locator("#searches tr", has_text="(this portal)")
        assert NAME in own.inner_text()
        assert "running" in own.inner_text()
        assert tab.locator("#searches b").count() == 0

        own.get_by_role("checkbox").check()
        tab.click("#compare")
        tab.wait_for_selector("#comparison img")
        assert "accuracy %" in tab.inner_text("#comparison pre")
    assert broken == []
    assert asked == {base.removeprefix("http://")}


def test_who_has_no_token_or_comes_from_elsewhere_changes_nothing(portal):
    token = portal[1].partition("token=")[2]
    known = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    folders = sorted(portal[0].parent.iterdir())
    for name in ("launch", "stop", "resume", "forget"):
        body = {"run": portal[0].name, "texts": {}}
        assert ask(portal, f"/pages/data/{name}", body, {"Content-Type": "application/json"})[0] == 401
        assert ask(portal, f"/pages/data/{name}", body, known | {"Origin": "http://evil.example"})[0] == 403
        plain = known | {"Content-Type": "text/plain"}
        assert {ask(portal, f"/pages/data/{name}", body, plain)[0] for _ in range(10)} == {415}
        assert (
            ask(portal, f"/pages/data/{name}", None, known)[0] == 404
        )  # they act for no address that is opened
    for run in ("../elsewhere", "/etc", "a/b/c/d"):
        status, text = ask(portal, "/pages/data/stop", {"run": run}, known)
        assert status == 400
        assert "accepted: a run folder in" in json.loads(text)["error"]
    assert sorted(portal[0].parent.iterdir()) == folders
    wait_for(lambda: ask(portal, "/pages/data/searches", None, known)[0] == 200, 60)
