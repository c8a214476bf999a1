"""The report in a real browser: what is drawn is what was measured, whatever the run holds."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from analysis import front, report
from analysis.pages.page import report_page
from analysis.run import Run
from analysis.selection.confirmed import Confirmation
from tests.analysis.samples.runs import FIVE, SETTINGS, make_run, measurement
from tests.integration.pages.opened_report import CHART, EVIL, written


def test_the_front_the_table_and_the_best_are_those_of_the_run(opened, five):
    opened.open(five).drawn()
    assert opened.layers()["front"] == [m.macs for m in front(FIVE)]
    assert opened.candidates() == ["4", "2", "0", "1"]  # by falling accuracy
    assert opened.page.inner_text("#chosen h3") == "Candidate 4"
    assert opened.page.locator("#chosen svg").count() == 2
    boxes = opened.page.locator("#chosen svg:first-of-type .box.global + text title").all_text_contents()
    edges = [primitive for node in FIVE[4].genotype["architecture"]["normal"] for primitive, _ in node]
    assert sorted(boxes) == sorted(name for name in edges if name.startswith("global_"))
    assert not opened.page.evaluate("document.getElementById('still').open")
    assert opened.complaints == []


def test_limits_leave_the_candidates_within(opened, five):
    opened.open(five).drawn()
    opened.page.fill("#macs-most", "2k")
    assert opened.candidates() == ["2", "0", "1"]
    assert "3 of 4 candidates" in opened.page.inner_text(".turn")
    opened.until(f"{CHART}.picture.layers.find(each => each.name === 'front').x.length === 2")
    opened.page.fill("#macs-most", "two")
    assert opened.page.get_attribute("#macs-most", "aria-invalid") == "true"
    said = opened.page.inner_text("#macs-wrong")
    assert said == "“two”: no number, so no limit; accepted: such as 500000, 500,000, 5e5, 500k or 1.5M"
    assert len(opened.candidates()) == 4  # the old limit does not hold on
    for text in ("2,000", "2e3", "2k", "2000", "2.0E3"):
        opened.page.fill("#macs-most", text)
        assert opened.candidates() == ["2", "0", "1"], text
        assert opened.page.inner_text("#macs-wrong") == ""
    opened.page.fill("#macs-least", "3k")
    assert (
        opened.page.inner_text("#macs-wrong")
        == "from 3k to 2.0E3: the first is above the second, so nothing is within"
    )
    assert opened.page.get_attribute("#macs-least", "aria-invalid") == "true"
    assert opened.page.inner_text(".chart-said") == "no candidate is within these limits"
    opened.page.click("text=Show all")
    opened.until("document.querySelectorAll('.candidates tbody tr').length === 4")
    assert opened.page.get_attribute("#macs-most", "aria-invalid") is None
    assert opened.page.inner_text("#macs-wrong") == ""
    assert not opened.page.is_visible(".chart-said")
    assert opened.complaints == []


def test_a_number_in_the_upper_table_chooses_its_candidate_and_shows_it(opened, five):
    opened.open(five).drawn()
    link = opened.page.locator("a[data-candidate]", has_text="2")
    opened.page.click("th >> text=accuracy %")  # sorted, the ranges stay with their candidates
    ranges = opened.page.locator("table >> nth=0").locator("tr td:first-child").all_inner_texts()
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in ranges] == [
        "1,000 to 1,999", "2,000 to 8,999", "9,000 and more",
    ]  # fmt: skip
    link.focus()
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_selector("#chosen h3:has-text('Candidate 2')")
    box = opened.page.locator("#chosen h3").bounding_box()
    assert 0 <= box["y"] < opened.page.viewport_size["height"]
    assert opened.page.evaluate("document.activeElement.id") == "chosen"
    chosen = f"{CHART}.picture.layers.find(each => each.name === 'chosen').x"
    assert opened.page.evaluate(chosen) == [2000]
    assert opened.complaints == []


def test_what_was_trained_again_is_named_joined_to_its_dot_and_called_a_tie_by_seeds(opened, tmp_path):
    confirmed = {2: Confirmation((0.86, 0.9, 0.94), 6), 4: Confirmation((0.89, 0.91, 0.93), 6)}
    run = Run(tmp_path / "run", SETTINGS, tuple(FIVE), confirmed=confirmed)
    path = tmp_path / "report.html"
    path.write_text(report_page("run", [], [run], ["run"], front(FIVE), None, studies=[]))
    opened.open(path).drawn()
    name = "by other seeds, 6 epochs: mean ± standard deviation"
    layer = f"{CHART}.picture.layers.find(each => each.name === '{name}')"
    assert opened.page.evaluate(f"[{layer}.stems, {layer}.y]") == [[70, 80], [90, 91]]
    opened.page.locator("a[data-candidate]", has_text="2").click()
    said = opened.page.inner_text("#chosen p >> nth=0")
    assert "90.00 ± 4.00% by other seeds, 6 epochs (standard deviation over 3 seeds)" in said
    assert "within the noise of the best, by seeds" in said
    assert opened.complaints == []


def test_points_of_the_front_have_the_chosen_colour_over_the_values_there_are(opened, five):
    opened.open(five).drawn()
    opened.page.select_option("#choose-colour", "age")
    of_front = f"{CHART}.picture.layers.find(each => each.name === 'front').colours"
    colours = opened.page.evaluate(of_front)
    assert len(set(colours)) == 3
    cloud = opened.page.evaluate(f"{CHART}.picture.cloud")
    assert colours == [cloud["colours"][cloud["x"].index(m.macs)] for m in front(FIVE)]
    assert opened.page.evaluate(f"{CHART}.picture.scale.range") == [1, 4]
    opened.page.select_option("#choose-colour", "share")
    shares = opened.page.evaluate(
        "[...document.querySelectorAll('.candidates tr td:nth-last-child(2)')].map(each => +each.innerText)"
    )
    low, high = opened.page.evaluate(f"{CHART}.picture.scale.range")
    assert (round(low), round(high)) == (min(shares), max(shares))
    assert opened.complaints == []


def test_on_a_narrow_screen_numbers_are_whole_and_titles_apart(opened, five):
    opened.page.set_viewport_size({"width": 400, "height": 900})
    try:
        opened.open(five).drawn()
        assert opened.page.evaluate("document.documentElement.scrollWidth") == 400
        cells = opened.page.locator(".candidates tbody td")
        assert (
            max(cells.nth(place).bounding_box()["height"] for place in range(cells.count())) < 45
        )  # one line
        scroll = opened.page.locator(".scroll:has(.candidates)")
        assert scroll.evaluate("each => each.scrollWidth > each.clientWidth")
        assert "linear-gradient" in scroll.evaluate("each => getComputedStyle(each).backgroundImage")
        picture = opened.page.locator("img[alt='hypervolume over candidates']")
        assert picture.bounding_box()["width"] >= 600  # as wide as can be read, in its own box
        assert picture.locator("xpath=..").evaluate("each => each.scrollWidth > each.clientWidth")
        opened.coordinates()
        spans = opened.page.evaluate(
            "(() => { const context = document.createElement('canvas').getContext('2d'); context.font = '11px system-ui, sans-serif';"
            "return document.querySelector('#coordinates').axes.map(({ label, x, row }) =>"
            "[row, x - context.measureText(label).width / 2, x + context.measureText(label).width / 2]) })()"
        )
        assert len(spans) >= 6
        assert max(row for row, *_ in spans) == 1
        for (row, _, end), (other, start, _) in itertools.combinations(spans, 2):
            assert row != other or end < start
        assert opened.complaints == []
    finally:
        opened.page.set_viewport_size({"width": 1280, "height": 720})


def test_on_paper_the_words_stand_open(opened, five):
    opened.open(five).drawn()
    words = opened.page.locator("details.words dd >> nth=0")
    assert not words.is_visible()
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert words.is_visible()
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not words.is_visible()


def test_a_row_and_a_point_choose_a_candidate_and_its_command(opened, five):
    opened.open(five).drawn()
    opened.page.locator(".candidates tbody button", has_text="1").press("Enter")
    assert opened.page.inner_text("#chosen h3") == "Candidate 1"
    assert opened.page.inner_text("#chosen code >> nth=0").endswith("export run1 --pick index=1")
    opened.page.locator("#front-plot").scroll_into_view_if_needed()
    x, y = opened.spot("candidates", 2000)
    opened.page.mouse.move(x - 3, y)
    opened.page.wait_for_selector(".chart-tip:has-text('candidate 2')")
    opened.page.mouse.click(x, y)
    opened.page.wait_for_selector("#chosen h3:has-text('Candidate 2')")
    opened.page.keyboard.press("Home")  # a click gives the chart the keyboard, too
    assert opened.page.inner_text(".chart-tip >> visible=true").startswith("candidate 0")
    assert opened.complaints == []


def test_axes_and_order_change(opened, five):
    opened.open(five).drawn()
    opened.page.select_option("#choose-axis", "params")
    opened.until(f"{CHART}.picture.x.label === '← parameters'")
    opened.page.select_option("#choose-colour", "age")
    opened.page.uncheck("#log-axis")
    opened.until(f"{CHART}.picture.x.log === false")
    opened.page.click(".candidates th >> text=MACs")
    assert opened.candidates() == ["4", "2", "1", "0"]
    opened.page.click(".candidates th >> text=MACs")
    assert opened.candidates() == ["0", "1", "2", "4"]
    assert opened.complaints == []


def test_what_is_brushed_on_a_parallel_axis_is_what_is_shown(opened, five):
    opened.open(five).drawn()
    opened.coordinates()
    box = opened.page.locator("#coordinates canvas").bounding_box()
    opened.page.mouse.move(box["x"] + 60, box["y"] + 46)  # the first axis is accuracy, from its top
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + 60, box["y"] + 46 + 258 / 2, steps=3)
    opened.page.mouse.up()
    assert opened.candidates() == ["4", "2"]
    opened.page.mouse.click(box["x"] + 60, box["y"] + 250)
    assert opened.candidates() == ["4", "2", "0", "1"]
    assert opened.complaints == []


def test_the_page_stays_where_it_is_when_lines_are_left_out_and_a_line_chooses(opened, tmp_path):
    many = [measurement(i, 0.5 + i / 100, 1000 * (i + 1)) for i in range(30)]
    opened.open(written(tmp_path, many)).drawn()
    canvas = opened.page.locator("#coordinates canvas")
    opened.coordinates()
    box = canvas.bounding_box()
    opened.page.mouse.move(box["x"] + 60, box["y"] + 46)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + 60, box["y"] + 66, steps=3)
    opened.page.mouse.up()
    left = len(opened.candidates())
    assert left < 5  # the table is much shorter now
    assert canvas.bounding_box()["y"] == pytest.approx(box["y"], abs=1)
    width = opened.page.evaluate("document.querySelector('#coordinates').clientWidth")
    opened.page.wait_for_timeout(100)
    opened.page.mouse.click(box["x"] + 100, box["y"] + 47)  # near the first axis' top: the most accurate one
    opened.page.wait_for_selector("#chosen h3:has-text('Candidate 29')")
    assert width > 600
    assert canvas.bounding_box()["y"] == pytest.approx(box["y"], abs=1)
    assert opened.complaints == []


def test_pictures_are_dark_on_a_dark_page_and_white_on_paper(opened, five):
    opened.open(five).drawn()
    picture = "img[alt='hypervolume over candidates']"
    light = {}
    for media, scheme in (("screen", "light"), ("screen", "dark"), ("print", "dark")):
        opened.page.emulate_media(media=media, color_scheme=scheme)
        shot = Image.open(io.BytesIO(opened.page.locator(picture).screenshot())).convert("L")
        light[media, scheme] = np.asarray(shot)[20, 20] / 255
    opened.page.emulate_media(media="screen", color_scheme="light")
    assert light["screen", "light"] == light["print", "dark"] == 1
    assert light["screen", "dark"] < 0.15


def test_without_javascript_all_is_there_to_read(opened, five):
    context = opened.page.context.browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(five.as_uri())
        assert page.is_visible("img[alt='hypervolume over candidates']")
        assert page.is_visible("text=your budget, MACs")
        assert page.locator("#still table tr").count() == 1 + len(front(FIVE))
        assert not page.is_visible("#interactive")
    finally:
        context.close()


@pytest.mark.parametrize("count", [1, 2])
def test_runs_of_few_candidates_open(opened, tmp_path, count):
    opened.open(written(tmp_path, FIVE[:count])).drawn()
    assert len(opened.candidates()) == count
    assert opened.complaints == []


@pytest.mark.parametrize(
    ("measurements", "said"),
    [([], "No candidate was measured yet."), (FIVE[3:4], "None of 1 candidates was judged")],
)
def test_runs_without_a_judged_candidate_open(opened, tmp_path, measurements, said):
    opened.open(written(tmp_path, measurements))
    assert said in opened.page.inner_text("body")
    assert opened.complaints == []


def test_texts_of_runs_are_shown_as_they_are_and_never_run(opened, tmp_path):
    cells = FIVE[0].genotype | {"space": EVIL, "architecture": {EVIL: [[[EVIL, 0], ["global_3", 1]]]}}
    stages = FIVE[0].genotype | {"architecture": {EVIL: {EVIL: EVIL}, "b": EVIL}}
    odd = [measurement(5, 0.81, 9500, genotype=cells), measurement(6, None, 10, error=EVIL)]
    odd.append(measurement(7, 0.82, 9900, genotype=stages))
    name = EVIL.replace("/", "")
    one, two = (make_run(tmp_path / f"{name}{n}", [*FIVE, *odd], strategy=f"{EVIL}{n}") for n in (1, 2))
    made = report([one, two], out=tmp_path / "both")
    opened.open(made.folder / "comparison.html").drawn()
    names = opened.page.locator(".candidates tbody tr td:last-child").all_inner_texts()
    assert set(names) == {f"{name}1", f"{name}2"}
    opened.page.locator(".candidates tbody tr >> nth=0").click()
    assert EVIL in opened.page.inner_text("#chosen table")
    opened.page.locator(".candidates tbody tr >> nth=2").click()
    assert EVIL in " ".join(opened.page.locator("#chosen svg text").all_text_contents())
    assert opened.page.locator("#front-plot [role=button]").filter(has_text="onerror").count() == 2
    opened.page.focus("#front-plot .chart-plot")
    opened.page.keyboard.press("End")  # of the common front
    assert name in opened.page.inner_text(".chart-tip >> visible=true")
    assert opened.page.locator("img[src=x]").count() == 0
    assert opened.complaints == []


def test_a_comparison_has_a_front_a_run(opened, tmp_path):
    opened.open(written(tmp_path, FIVE[:2], FIVE[2:])).drawn()
    layers = opened.layers()
    assert (layers["run1"], layers["run2"]) == ([1000], [2000, 9000])
    assert layers["common front"] == [1000, 2000, 9000]
    assert opened.complaints == []


def test_ten_thousand_candidates_open_quickly(opened, tmp_path):
    genotypes = [m.genotype for m in FIVE]
    many = [
        measurement(i, 0.5 + (i % 97) / 250, 10_000 + 37 * i, genotype=genotypes[i % 5])
        for i in range(10_000)
    ]
    path = written(tmp_path, many)
    assert path.stat().st_size < 1_500_000  # a third of it Bokeh's scripts
    opened.open(path).drawn()
    assert "10,000 of 10,000 candidates" in opened.page.inner_text(".turn")
    assert len(opened.page.evaluate(f"{CHART}.picture.cloud.x")) == 10_000
    drawn = opened.page.evaluate("performance.getEntriesByName('front')[0].startTime")
    assert drawn < 10_000  # milliseconds; one second where nothing else runs
    assert opened.complaints == []
