"""The page Front in a real browser, held against ``candidates.jsonl``."""

from __future__ import annotations

import json

import pytest

from analysis.front import front
from analysis.hypervolume import reference_macs, shares_over_trials
from records.run_files.confirming import Confirming
from records.run_files.run_folder import RunFolder
from tests.analysis.live.records import add, candidate, failed, run_folder
from tests.integration.pages.served_pages import (
    LAYERS,
    MANY,
    drawn,
    measured,
    open_front,
)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("none", "0 of 1 candidates; none has an accuracy. Nothing runs now."),
        ("one", "1 of 1 candidates; best 50.00%, candidate 0. Nothing runs now."),
        ("two", "2 of 5 candidates; best 86.76%, candidate 1. Nothing runs now."),
        (
            "failed",
            "7 of 7 candidates; 3 failed; 2 cancelled; 2 above a budget; none has an accuracy. Nothing runs now.",
        ),
    ],
)
def test_few_candidates_or_none_are_told_and_drawn(tab, address, folder, run, said):
    assert open_front(tab, address, run) == said
    known = measured(folder / run)
    on_front = [m.index for m in front(known)]
    assert drawn(tab, "candidates") == [sum(m.status == "ok" for m in known)]
    assert drawn(tab, "front") == [len(on_front)]
    assert sum(drawn(tab, "failed")) == sum(m.status == "failed" for m in known)
    assert [int(text) for text in tab.locator("#table a").all_inner_texts()] == on_front


def test_the_front_and_its_hypervolume_are_those_of_the_report(tab, address, folder):
    open_front(tab, address, "many")
    tab.wait_for_function("performance.getEntriesByName('front').length")
    opened = tab.evaluate("performance.getEntriesByName('front')[0].startTime")
    assert opened < 20_000  # milliseconds, on a machine that does other things; alone it is one second
    known = measured(folder / "many")
    assert drawn(tab, "candidates") == [MANY - MANY // 50]
    assert drawn(tab, "failed") == [MANY // 50]
    points = tab.evaluate(f"{LAYERS}.find(layer => layer.name === 'front').keys.map(point => point.index)")
    assert points == [m.index for m in front(known)]
    (volume,) = shares_over_trials([m for m in known if m.status == "ok"], reference_macs(known))[-1:]
    last = tab.evaluate("volume.chart.picture.layers[0].y.at(-1)")
    assert last == pytest.approx(100 * volume)
    assert f"{100 * volume:.2f}%" in tab.inner_text("#table p")
    assert tab.evaluate("volume.chart.picture.layers[0].x.at(-1)") == MANY


@pytest.mark.parametrize(
    ("cost", "title"),
    [("params", "parameters"), ("seconds", "seconds of training"), ("latency", "latency (ms)")],
)
def test_other_costs_have_fronts_of_their_own(tab, address, folder, cost, title):
    open_front(tab, address, "two", cost=cost, log="0")
    known = [m for m in measured(folder / "two") if getattr(m, cost) is not None]
    assert drawn(tab, "front") == [len(front(known, lambda m: getattr(m, cost)))]
    assert title in tab.evaluate("chart.chart.picture.x.label")
    assert tab.evaluate("chart.chart.picture.x.log") is False


def test_choices_stay_in_the_address(tab, address):
    open_front(tab, address, "two")
    assert tab.evaluate("chart.chart.picture.x.log") is True
    tab.select_option("#cost", "params")
    tab.select_option("#colour", "age")
    tab.uncheck("#log")
    query = "cost=params&colour=age&log=0"
    assert query in tab.url
    assert "run=two" in tab.url
    tab.reload()
    tab.wait_for_selector("#table p")
    assert [tab.input_value("#cost"), tab.input_value("#colour"), tab.is_checked("#log")] == [
        "params",
        "age",
        False,
    ]


def ends(tab):
    return tab.evaluate(
        "[chart.chart.figure.x_range, chart.chart.figure.y_range].flatMap(({ start, end }) => [start, end])"
    )


def zoom_in(tab):
    tab.evaluate("chart.chart.ready")
    box = tab.locator("#chart .chart-plot").bounding_box()
    tab.mouse.move(box["x"] + 200, box["y"] + 150)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 400, box["y"] + 250, steps=3)
    tab.mouse.up()


def name_in_legend(tab, text):
    return tab.locator("#chart [role=button]").filter(has=tab.locator(f".bk-label:text-is('{text}')"))


def test_new_candidates_come_by_themselves_and_are_put_on_what_is_drawn(tab, address, folder):
    open_front(tab, address, "grows")
    zoom_in(tab)
    zoomed = ends(tab)
    name_in_legend(tab, "front").click()
    tab.evaluate(
        """() => {
            const [cloud] = chart.chart.layers;
            window.before = { figure: chart.chart.figure, streamed: 0, changed: 0 };
            cloud.source.streaming.connect(() => { before.streamed += 1; });
            cloud.source.properties.data.change.connect(() => { before.changed += 1; });
        }"""
    )
    add(folder / "grows", [candidate(2, macs=5000, accuracy=0.7)])
    tab.wait_for_selector("#table a:text-is('2')")
    assert tab.evaluate("[before.figure === chart.chart.figure, before.streamed, before.changed]") == [
        True,
        1,
        0,
    ]
    assert tab.evaluate("[...chart.chart.layers[0].source.data.x]") == [1000, 9000, 5000]
    assert drawn(tab, "candidates") == [3]
    assert ends(tab) == zoomed
    add(folder / "grows", [failed(3)])  # a layer of its own: the chart is made anew
    tab.wait_for_selector("#summary:has-text('4 of 4 candidates; 1 failed')")
    assert drawn(tab, "failed") == [1]
    tab.evaluate("chart.chart.ready")
    assert ends(tab) == zoomed
    assert name_in_legend(tab, "front").get_attribute("aria-pressed") == "false"
    assert name_in_legend(tab, "failed").get_attribute("aria-pressed") == "true"


def test_damaged_lines_are_named_also_where_they_come_later(tab, address, folder):
    run = run_folder(folder / "damaged", [candidate(0)], trials=4)
    open_front(tab, address, "damaged")
    with (run / "candidates.jsonl").open("a") as file:
        file.write(json.dumps(candidate(1)) + "\n" + "\0" * 50 + "\n" + json.dumps(candidate(2)) + "\n")
    tab.wait_for_selector("#summary:has-text('line 3 of candidates.jsonl is damaged and left out')")
    assert drawn(tab, "candidates") == [3]


def test_a_front_that_is_being_confirmed_says_so(tab, address, folder):
    with RunFolder(folder / "two").lock():
        Confirming(trainings=3, candidates=(0, 1), epochs=6, others=0).write(folder / "two")
        open_front(tab, address, "two")
        tab.wait_for_selector("#summary:has-text('Confirming: 0 of 3 trainings, of candidates 0 and 1')")
    tab.wait_for_selector("#summary:has-text('Nothing runs now')")
    assert "Confirming" not in tab.inner_text("#summary")


def test_several_runs_have_a_common_front(tab, address, folder):
    tab.goto(f"{address}/pages/front?run=two&run=one&colour=run")
    tab.wait_for_selector("#table table")
    assert tab.inner_text("#summary").startswith("3 of 6 candidates")
    assert drawn(tab, "candidates") == [3]
    tab.evaluate("chart.chart.ready")
    assert {*tab.locator("#chart [role=button]").all_inner_texts()} >= {"one", "two", "front"}
    assert "run" in tab.inner_text("#table thead")


def spot_of(tab, place):
    """Where on the page a candidate's point is, by its place in the file."""
    return tab.evaluate(
        f"""async () => {{
            await chart.chart.ready;
            const box = chart.querySelector('.chart-plot').getBoundingClientRect(), [cloud] = chart.chart.layers;
            const {{ xs, ys }} = cloud.places(chart.chart.view);
            return [box.x + xs[{place}], box.y + ys[{place}]];
        }}"""
    )


def test_a_click_on_a_point_opens_its_candidate(tab, address):
    open_front(tab, address, "two")
    spot = spot_of(tab, 1)
    tab.mouse.move(spot[0] - 4, spot[1] + 3)
    tab.wait_for_selector(".chart-tip:has-text('candidate 1')")
    assert "86.76%" in tab.inner_text(".chart-tip")
    tab.mouse.click(*spot)
    tab.wait_for_url("**/pages/architecture?run=two&candidate=1")
    assert tab.inner_text("h1") == "Candidate 1 of two"


def test_a_rectangle_is_looked_at_closer_until_the_whole_is_wanted(tab, address):
    open_front(tab, address, "many")
    tab.evaluate("chart.chart.ready")
    whole = ends(tab)
    zoom_in(tab)
    closer = ends(tab)
    assert whole[0] < closer[0] < closer[1] < whole[1]
    assert whole[2] < closer[2] < closer[3] < whole[3]
    assert "/pages/front" in tab.url  # a drag is no click
    tab.locator("#chart").get_by_title("Show the whole").press("Enter")
    assert ends(tab) == pytest.approx(whole)


def test_the_keyboard_leads_from_the_front_to_a_candidate(tab, address):
    open_front(tab, address, "two")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.focus("#candidate")
    tab.keyboard.type("7")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#message:has-text('There is no candidate 7 yet.')")
    tab.focus("#table a")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/pages/architecture?**")
    open_front(tab, address, "two")
    tab.evaluate("chart.chart.ready")
    tab.focus("#chart .chart-plot")
    tab.keyboard.press("End")
    assert "candidate 1" in tab.inner_text(".chart-tip >> visible=true")  # the last of the front
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/pages/architecture?run=two&candidate=1")
