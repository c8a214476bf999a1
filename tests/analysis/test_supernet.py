"""A supernet's epochs, read, and the warning where its architecture weights learned nothing."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from analysis.supernet import LEAST_WAY, read_supernet
from records.errors import UserError
from tests.analysis.samples.supernets import CHOICES, EQUAL, write_epochs


def test_epochs_are_read_in_order(tmp_path):
    write_epochs(tmp_path, [2.6, 2.5], seconds=12.5)
    found = read_supernet(tmp_path)
    assert found.accuracies == (0.1, 0.2)
    assert (found.expected_macs, found.derived_macs) == ((999, 998), (899, 898))
    assert (found.entropies, found.seconds) == ((2.6, 2.5), 25.0)
    assert found.equal_entropy == pytest.approx(math.log(14))


def test_a_run_without_one(tmp_path):
    assert read_supernet(tmp_path) is None
    (tmp_path / "oneshot.jsonl").write_text('{"default": 0.1')  # killed in its first epoch's line
    assert read_supernet(tmp_path) is None


def test_a_torn_last_line_is_left_out(tmp_path):
    write_epochs(tmp_path, [2.6, 2.5])
    path = tmp_path / "oneshot.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    assert read_supernet(tmp_path).entropies == (2.6,)


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", '{"default": 1, "genotype": {"settings": {"primitives": 3}}}']
)
def test_a_damaged_line_is_named(tmp_path, line):
    write_epochs(tmp_path, [2.6])
    path = tmp_path / "oneshot.jsonl"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(UserError, match=r"oneshot\.jsonl, line 2, is damaged"):
        read_supernet(tmp_path)


@pytest.mark.parametrize(("way", "warned"), [(0.0, True), (0.0099, True), (0.0101, False), (0.5, False)])
def test_weights_that_stayed_equal_are_said(tmp_path, way, warned):
    write_epochs(tmp_path, [EQUAL, (1 - way) * EQUAL])
    warning = read_supernet(tmp_path).warning()
    assert (warning is not None) == warned
    if warned:
        assert f"({(1 - way) * EQUAL:.4f} of {EQUAL:.4f} nats)" in warning
        assert "--supernet-epochs" in warning
        assert "\n" not in warning


@pytest.mark.parametrize(
    ("edges", "warned"),
    [
        (("skip_connect", "skip_connect", "global_1", "sep_conv_3x3"), False),
        (("skip_connect", "none", "skip_connect", "sep_conv_3x3"), True),
        (("avg_pool_3x3",) * 4, False),
    ],
)
def test_a_collapse_into_skips_is_said(tmp_path, edges, warned):
    write_epochs(tmp_path, [EQUAL / 2], edges=edges)
    warning = read_supernet(tmp_path).warning()
    assert (warning is not None) == warned
    if warned:
        assert "collapsed: 3 of the 4 edges" in warning
        assert "--auxiliary-skip 1" in warning
        assert "\n" not in warning


def test_noise_is_said_before_a_collapse(tmp_path):
    write_epochs(tmp_path, [EQUAL], edges=("skip_connect",) * 4)
    assert "entropy of equal weights" in read_supernet(tmp_path).warning()


def test_the_last_epoch_decides(tmp_path):
    write_epochs(tmp_path, [2.0, EQUAL])
    assert read_supernet(tmp_path).warning() is not None


def test_at_the_threshold_an_edges_strongest_primitive_weighs_half_as_much_again_as_the_average():
    random = np.random.default_rng(0)
    deviation = math.sqrt(2 * LEAST_WAY * EQUAL)
    logits = random.normal(0, deviation, (20_000, CHOICES))
    weights = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    entropy = -(weights * np.log(weights)).sum(1).mean()
    assert entropy == pytest.approx((1 - LEAST_WAY) * EQUAL, rel=2e-3)
    assert CHOICES * weights.max(1).mean() == pytest.approx(1.5, abs=0.1)


def test_weights_and_derived_edges_are_read_over_the_epochs(tmp_path):
    write_epochs(tmp_path, [2.0, 1.5], edges=("global_1", "skip", "skip"))
    assert read_supernet(tmp_path).derived == {"global_1": (1.0, 1.0), "skip": (2.0, 2.0)}
    assert read_supernet(tmp_path).weights == {}  # as an earlier version wrote
    path = tmp_path / "oneshot.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for number, line in enumerate(lines):
        line["expected_counts"] = {
            "skip": {"normal": 0.5 + number, "reduction": 1.0},
            "global_1": {"normal": 0.25},
        }
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_supernet(tmp_path).weights == {"global_1": (0.25, 0.25), "skip": (1.5, 2.5)}
    lines[0]["expected_counts"] = {"skip": 3}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(UserError, match="line 1, is damaged"):
        read_supernet(tmp_path)
