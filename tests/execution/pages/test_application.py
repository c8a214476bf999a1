"""Frames of pages, their files and their data, as a browser asks for them."""

from __future__ import annotations

import json
import re

import pytest

from execution.pages.application import STATIC, make_app
from execution.pages.contract import Page, Place
from portal_pages import PAGES
from records.errors import UserError
from tests.analysis.live.records import HTML, run_folder
from tests.execution.pages.served import data, fetched, served


def echo(place, asked):
    return {"run": place.run.name, **asked}


def refuse(place, asked):
    raise UserError(f"seed is {asked['seed']}; accepted: a number")


def crash(place, asked):
    return 1 / 0


def whole(place, asked):
    if "run" not in asked:
        raise UserError("run is missing")
    return f"<script>1</script> {asked['run']}"


OWN = [
    Page(
        "front",
        "Front",
        gets={"echo": echo, "crash": crash},
        posts={"refuse": refuse, "take": echo},
        documents={"whole": whole},
    ),
    Page("architecture", "<b>&", linked=False),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    run = run_folder(tmp_path_factory.mktemp("runs") / HTML.replace("/", "-"), [])
    with served(run, OWN) as made:
        yield made


def test_a_frame_loads_its_own_script_and_nothing_from_elsewhere(address):
    status, headers, text = fetched(f"{address}/pages/front")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert '<script type="module" src="/pages/static/front.js">' in text
    assert "http:" not in text
    assert "https:" not in text
    assert "//" not in text.replace("<!doctype html>", "")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert fetched(f"{address}/pages")[2] == text  # the first page


def test_names_of_runs_and_pages_are_text(address):
    for page in ("front", "architecture"):
        text = fetched(f"{address}/pages/{page}")[2]
        assert "<img" not in text
        assert "&lt;img src=x" in text
        assert "<b>" not in text


def test_the_navigation_names_what_is_linked(address):
    assert json.loads(fetched(f"{address}/pages/links")[2]) == [["/pages/front", "Front"]]
    text = fetched(f"{address}/pages/architecture")[2]
    assert [href in text for href in ('"/oview"', '"/detail"', '"/pages/front"', '"/pages/architecture"')] == [
        True, True, True, False,
    ]  # fmt: skip


def test_data_are_asked_for_by_name(address):
    assert data(address, "echo?a=1&b=2&b=3&c=%3Cb%3E") == {
        "run": HTML.replace("/", "-"), "a": "1", "b": ["2", "3"], "c": "<b>",
    }  # fmt: skip
    assert fetched(f"{address}/pages/data/nothing")[0] == 404
    assert fetched(f"{address}/pages/data/take")[0] == 404  # it is posted


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b'{"seed": "x"}', "application/json", 400, '{"error":"seed is x; accepted: a number"}'),
        (b'{"seed": "x"}', "text/plain", 415, "accepted: application/json\n"),
        (b"[1]", "application/json", 400, '{"error":"what was sent is no JSON object"}'),
        (b"\xff", "application/json", 400, '{"error":"what was sent is no JSON object"}'),
        (
            b'{"seed": "x"}',
            "application/json; charset=none",
            400,
            '{"error":"seed is x; accepted: a number"}',
        ),
        (b"{", "application/json", 400, '{"error":"what was sent is no JSON object"}'),
    ],
)
def test_what_is_wrong_is_a_line(address, body, kind, status, said):
    found, _, text = fetched(f"{address}/pages/data/refuse", body, Content_Type=kind)
    assert (found, text) == (status, said)


def test_a_fault_of_ours_is_an_answer_and_ends_nothing(address, caplog):
    status, _, text = fetched(f"{address}/pages/data/crash")
    assert (status, "ZeroDivisionError" in text) == (500, False)
    assert data(address, "echo")["run"]
    assert "ZeroDivisionError" in caplog.text


def test_files_are_those_of_the_pages_alone(address):
    status, headers, text = fetched(f"{address}/pages/static/pages.js")
    assert (status, headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    assert text == (STATIC / "pages.js").read_text()
    for name in ("nothing.js", "..%2Fapplication.py", "application.py", "%2Fetc%2Fpasswd"):
        assert fetched(f"{address}/pages/static/{name}")[0] == 404


def test_icons_come_under_every_name_that_nnis_page_asks_for(address):
    first = fetched(f"{address}/pages/icons/fabric-icons-a13498cf.woff")
    assert (first[0], first[1]["Content-Type"]) == (200, "font/woff")
    assert fetched(f"{address}/pages/icons/fabric-icons-17-0c4ed701.woff")[2] == first[2]
    assert fetched(f"{address}/pages/icons/other.woff")[0] == 404


def test_data_of_two_pages_have_different_names(tmp_path):
    pages = [Page("a", "A", gets={"x": echo}), Page("b", "B", gets={"x": echo})]
    with pytest.raises(ValueError, match="two pages have data called x"):
        make_app(Place(tmp_path), pages)


def test_a_document_has_no_origin_and_asks_nothing(address):
    status, headers, text = fetched(f"{address}/pages/documents/whole?run=a")
    assert (status, text) == (200, "<script>1</script> a")
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts ")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert fetched(f"{address}/pages/documents/whole")[::2] == (400, "run is missing\n")
    assert fetched(f"{address}/pages/documents/other")[0] == 404


def test_files_that_a_page_is_handed_are_served_and_its_styles_loaded(tmp_path):
    sheet = tmp_path / "own.css"
    sheet.write_text("a {}")
    with served(tmp_path, [Page("a", "A", files=[sheet]), Page("b", "B")]) as address:
        assert fetched(f"{address}/pages/static/own.css")[2] == "a {}"
        assert "/pages/static/own.css" in fetched(f"{address}/pages/a")[2]
        assert "/pages/static/own.css" not in fetched(f"{address}/pages/b")[2]


def test_scripts_of_a_package_run_before_the_pages_own_in_their_order(tmp_path):
    library, more = tmp_path / "library.js", tmp_path / "more.js"
    library.write_text("var library = 1;")
    more.write_text("library += 1;")
    with served(tmp_path, [Page("a", "A", scripts=[library, more]), Page("b", "B")]) as address:
        status, headers, text = fetched(f"{address}/pages/static/library.js")
        assert (status, text) == (200, "var library = 1;")
        again = fetched(f"{address}/pages/static/library.js", If_None_Match=headers["ETag"])
        assert (again[0], again[2]) == (304, "")
        asked = re.findall(r'<script ([^>]*)src="/pages/static/([^"]*)">', fetched(f"{address}/pages/a")[2])
        assert asked == [("defer ", "library.js"), ("defer ", "more.js"), ('type="module" ', "a.js")]
        assert "library" not in fetched(f"{address}/pages/b")[2]


def test_two_files_have_different_names(tmp_path):
    with pytest.raises(ValueError, match="two files of the pages have one name"):
        make_app(Place(tmp_path), [Page("a", "A", files=[tmp_path / "pages.js"])])


def test_each_page_of_the_front_door_has_its_script():
    for page in PAGES:
        assert (STATIC / f"{page.name}.js").is_file()
