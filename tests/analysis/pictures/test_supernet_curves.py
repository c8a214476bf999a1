"""What is drawn of a supernet."""

from __future__ import annotations

import pytest

from analysis.pictures.supernet_curves import render_supernet, supernet_panels
from analysis.supernet import read_supernet
from tests.analysis.samples.supernets import EQUAL, write_epochs


def test_accuracy_macs_and_entropy_are_curves(tmp_path):
    write_epochs(tmp_path, [2.6, 2.5, 2.4])
    accuracy, macs, entropy = supernet_panels(read_supernet(tmp_path))
    assert accuracy.curves[0].values == pytest.approx((10, 20, 30))
    assert "%" in accuracy.y_label
    assert [(curve.name, curve.values) for curve in macs.curves] == [
        ("expected", (999, 998, 997)), ("derived", (899, 898, 897)),
    ]  # fmt: skip
    assert entropy.curves[0].values == (2.6, 2.5, 2.4)
    assert dict(entropy.levels) == {"equal weights": EQUAL, "found below this": pytest.approx(0.99 * EQUAL)}


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_picture_is_the_same_each_time(tmp_path, epochs):
    write_epochs(tmp_path, [2.6] * epochs)
    panels = supernet_panels(read_supernet(tmp_path))
    assert render_supernet(panels) == render_supernet(panels)
    assert render_supernet(panels).startswith(b"\x89PNG")
