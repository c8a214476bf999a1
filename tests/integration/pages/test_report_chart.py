"""The report's chart in a real browser: what one does with it by mouse, wheel and keys."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from analysis import front
from tests.analysis.samples.runs import FIVE
from tests.integration.pages.opened_report import CHART


def test_a_layer_is_left_out_by_its_name(opened, five):
    opened.open(five).drawn()
    best = opened.name("best")
    assert best.get_attribute("aria-pressed") == "true"
    assert "best" in opened.shown()
    best.press("Enter")
    assert best.get_attribute("aria-pressed") == "false"
    assert best.evaluate("each => each.matches(':focus')")  # the keyboard's place stays
    assert "best" not in opened.shown()
    opened.page.select_option("#choose-axis", "params")
    opened.until(f"{CHART}.figure.xaxes[0].axis_label === '← parameters'")
    assert "best" not in opened.shown()
    assert opened.name("best").get_attribute("aria-pressed") == "false"
    opened.name("best").click()
    assert "best" in opened.shown()
    assert opened.complaints == []


def test_what_is_far_from_the_front_is_not_shown_at_first(opened, five):
    opened.open(five).drawn()
    assert opened.layers().keys() >= {"front", "best"}
    off = opened.page.evaluate(f"{CHART}.picture.layers.filter(each => each.off).map(each => each.name)")
    assert off
    assert not {*off} & {*opened.shown()}


def test_a_rectangle_is_looked_at_closer_and_stays_so_until_all_is_wanted(opened, five):
    opened.open(five).drawn()
    whole = opened.ends()

    def drag():
        opened.page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 150)
        opened.page.mouse.down()
        opened.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 300, steps=4)
        opened.page.mouse.up()

    opened.page.locator("#front-plot").scroll_into_view_if_needed()
    box = opened.page.locator("#front-plot .chart-plot").bounding_box()
    chosen = opened.page.inner_text("#chosen h3")
    drag()
    left, right, low, high = opened.ends()
    assert whole[0] < left < right < whole[1]
    assert whole[2] < low < high < whole[3]
    assert opened.page.inner_text("#chosen h3") == chosen  # a drag is no click
    opened.name("best").click()
    opened.page.select_option("#choose-colour", "age")  # other colours: all is drawn anew
    opened.until(f"{CHART}.picture.scale.label.startsWith('age')")
    assert opened.ends() == [left, right, low, high]
    opened.page.get_by_title("Show the whole").click()
    assert opened.ends() == pytest.approx(whole)
    drag()
    opened.page.focus("#front-plot .chart-plot")
    opened.page.keyboard.press("Escape")
    assert opened.ends() == pytest.approx(whole)
    drag()
    opened.page.mouse.dblclick(box["x"] + 0.6 * box["width"], box["y"] + 200)
    assert opened.ends() == pytest.approx(whole)
    assert opened.complaints == []


def test_the_wheel_scrolls_the_page_until_its_tool_is_taken(opened, five):
    opened.open(five).drawn()
    whole = opened.ends()
    opened.page.locator("#front-plot").scroll_into_view_if_needed()
    box = opened.page.locator("#front-plot .chart-plot").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.page.mouse.move(*middle)
    before = opened.page.evaluate("scrollY")
    opened.page.mouse.wheel(0, 60)
    opened.until(f"scrollY === {before + 60}")
    assert opened.ends() == whole
    opened.page.get_by_title("Wheel Zoom").click()
    box = opened.page.locator("#front-plot .chart-plot").bounding_box()
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.page.mouse.wheel(0, -60)
    opened.until(f"{CHART}.figure.x_range.start > {whole[0]}")
    assert opened.complaints == []


def test_the_chart_is_saved_as_a_picture(opened, five, tmp_path):
    opened.open(five).drawn()
    with opened.page.expect_download() as download:
        opened.page.get_by_title("Save").click()
    download.value.save_as(tmp_path / "front.png")
    width, height = Image.open(tmp_path / "front.png").size
    assert width > 1000
    assert height > 300
    assert opened.complaints == []


def test_the_keyboard_goes_along_the_front_and_chooses(opened, five):
    opened.open(five).drawn()
    of_front = [m.index for m in front(FIVE)]
    opened.page.focus("#front-plot .chart-plot")

    def told(key):
        opened.page.keyboard.press(key)
        tip = opened.page.inner_text(".chart-tip >> visible=true")
        assert opened.page.inner_text(".chart-told") == tip.replace("\n", ", ")
        return tip.partition("\n")[0]

    walk = [told("ArrowRight"), told("ArrowRight"), told("ArrowLeft"), told("End"), told("Home")]
    assert walk == [f"candidate {of_front[place]}" for place in (0, 1, 0, -1, 0)]
    opened.page.keyboard.press("ArrowRight")
    opened.page.keyboard.press("Enter")
    assert opened.page.inner_text("#chosen h3") == f"Candidate {of_front[1]}"
    opened.page.keyboard.press("Escape")
    assert opened.page.locator(".chart-tip").count() == 0
    assert not opened.page.is_visible("#front-plot .chart-ring")
    assert opened.complaints == []


def test_tips_are_whole_on_a_narrow_screen(opened, five):
    opened.page.set_viewport_size({"width": 400, "height": 900})
    try:
        opened.open(five).drawn()
        opened.page.locator("#front-plot").scroll_into_view_if_needed()
        for m in front(FIVE):
            opened.page.mouse.move(*opened.spot("front", m.macs))
            tip = opened.page.locator(".bk-Tooltip", has_text=f"candidate {m.index}")
            tip.wait_for()
            box = tip.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 400
        assert opened.complaints == []
    finally:
        opened.page.set_viewport_size({"width": 1280, "height": 720})


def test_a_dark_browser_gets_a_dark_chart(opened, five):
    light = {}
    for scheme in ("dark", "light"):  # it follows while the page is open
        opened.page.emulate_media(color_scheme=scheme)
        if scheme == "dark":
            opened.open(five).drawn()
        ground = opened.page.evaluate(
            "getComputedStyle(document.documentElement).getPropertyValue('--paper')"
        )
        opened.until(f"{CHART}.figure.background_fill_color === '{ground.strip()}'")
        opened.page.evaluate(f"{CHART}.ready")
        shot = Image.open(io.BytesIO(opened.page.locator("#front-plot .chart-plot").screenshot())).convert(
            "L"
        )
        light[scheme] = float(np.median(np.asarray(shot))) / 255
    assert light["dark"] < 0.15
    assert light["light"] == 1
    assert opened.complaints == []
