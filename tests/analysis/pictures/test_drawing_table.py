import pytest

from analysis.pictures.canvas import style
from analysis.pictures.drawing_table import DecisionTable, decision_tables, table_figure

ARCHITECTURE = {
    "multiplier": 2,
    "stage1": {"width": 16, "layer": "none"},
    "stage2": {"width": 32, "layer": "global_3", "blocks": 5},
}


def test_decisions_of_the_whole_and_of_stages():
    assert decision_tables(ARCHITECTURE) == [
        DecisionTable(("decision", "choice"), (("multiplier", "2"),)),
        DecisionTable(
            ("stage", "width", "layer", "blocks"),
            (("stage1", "16", "none", ""), ("stage2", "32", "global_3", "5")),
        ),
    ]
    assert decision_tables({}) == []
    assert decision_tables({"a": "x" * 99 + "3"})[0].rows == (("a", "x" * 30 + "…" + "x" * 28 + "3"),)


@pytest.mark.parametrize("value", ["global_constant_diffusivity_5+inverted_residual", "x" * 100, "a $b$ \\c"])
def test_every_text_is_within_the_picture_and_none_over_another(value):
    with style():
        figure = table_figure(
            "a title", decision_tables({**ARCHITECTURE, "stage3": {"width": value, "layer": value}})
        )
        renderer = figure.canvas.get_renderer()
        boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts if text.get_text()]
    window = figure.bbox
    assert all(box.x0 >= 0 and box.x1 <= window.x1 and box.y0 >= 0 and box.y1 <= window.y1 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
