"""What the deployment benchmark compares, and what it says of it."""

from __future__ import annotations

import json
import sys

import pytest
import torch

from benchmarks import deployed_forms, deployment, entry
from benchmarks.deployed_forms import FORMS, IN_PYTORCH, TRAINING, Missing, Subject, absent
from benchmarks.deployment import HEAD, MARKED, PAIRS, batches_of, found_cell, measure, plain_cell, row
from search_space import sample
from tests.training.networks import TinyGenotype


def test_the_plain_cell_has_the_same_macs_and_no_global_layer():
    found = found_cell()
    plain = plain_cell(found)
    assert abs(plain.cost().macs / found.cost().macs - 1) < 0.1
    assert "global" in json.dumps(found.architecture)
    assert "global" not in json.dumps(plain.architecture)


PLAIN = TinyGenotype(image=(3, 32, 32))


@pytest.mark.parametrize("form", [*IN_PYTORCH, *TRAINING])
def test_a_form_in_pytorch_runs(form, tmp_path):
    run = Subject(PLAIN, tmp_path / "form").run(form)
    record = measure((run, run), 4, rounds=3, seconds=60.0)
    assert record["images"] == 4
    assert [len(taken) for taken in record["seconds"]] == [3, 3]


def test_no_round_begins_after_the_seconds_but_two_are_always_made():
    record = measure((lambda images: None, lambda images: None), 1, rounds=9, seconds=0.0)
    assert [len(taken) for taken in record["seconds"]] == [2, 2]


def test_the_numbers_of_images_are_those_of_the_table_and_of_marks():
    assert batches_of("float32", None) == [1, 32]
    assert batches_of("bfloat16", None) == [1, 32, 128]
    assert batches_of("bfloat16", [2]) == [2]
    assert batches_of("training-float32", [2]) == [128]
    assert set(deployment.MARKS) <= set(FORMS)


def test_a_mark_is_of_resnet_alone():
    record = {"form": "onnx", "images": 1, "seconds": ([0.3] * 4, [1.0] * 4)}
    assert row(MARKED, record) == (
        f"| {MARKED} | onnx | 1 | 300.00 | 1000.00 | 0.300 | 0.300 to 0.300 | 4 | at most 0.4: met |"
    )
    assert row("another", record).endswith("| 0.300 to 0.300 | 4 |  |")
    assert row("another", record).count("|") == HEAD[0].count("|") == HEAD[1].count("|")
    assert MARKED in PAIRS.values()


def test_a_plain_network_is_measured_by_its_onnx_file_beside_one_with_kernels(tmp_path):
    subject = Subject(PLAIN, tmp_path / "plain")
    with pytest.raises(Missing, match="no layer with a kernel"):
        subject.run("onnx-kernels")
    logits = subject.plain_run("onnx-kernels")(torch.zeros(2, *PLAIN.image))
    assert logits[0].shape == (2, PLAIN.classes)


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert absent("onnx") == "onnxruntime"
    assert absent("float32") is None


@pytest.fixture
def tiny_pairs(monkeypatch):
    """Two small networks in place of the pair of ResNets."""
    genotypes = sample("tiny-global", 0, image=(3, 32, 32)), sample("tiny-global", 1, image=(3, 32, 32))
    monkeypatch.setattr(deployment, "networks", lambda pair: genotypes)
    return genotypes


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["deployment", *map(str, arguments)])
    threads = torch.get_num_threads()
    try:
        entry(deployment.main)
    finally:
        torch.set_num_threads(threads)


def test_a_later_call_adds_to_the_file_and_shows_all_of_it(tiny_pairs, monkeypatch, capsys, tmp_path):
    given = ("--pairs", "resnet", "--rounds", 2, "--batches", 1, "--out", tmp_path / "all.json")
    call(monkeypatch, *given, "--forms", "float32")
    capsys.readouterr()
    call(monkeypatch, *given, "--forms", "onnx")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"| {MARKED}")]
    assert [line.split(" | ")[1] for line in lines] == ["float32", "onnx"]
    content = json.loads((tmp_path / "all.json").read_text())
    pair = content["pairs"][MARKED]
    assert pair["macs"] == [genotype.cost().macs for genotype in tiny_pairs]
    assert [record["form"] for record in pair["records"]] == ["float32", "onnx"]


def test_a_form_whose_package_is_missing_is_left_out_with_one_line(tiny_pairs, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    call(monkeypatch, "--pairs", "resnet", "--rounds", 2, "--batches", 1, "--no-training", "--forms",
         "openvino", "onnx", "float32", "training-float32")  # fmt: skip
    out, error = capsys.readouterr()
    assert error.splitlines() == [
        "no openvino: openvino is not installed",
        "no onnx: onnxruntime is not installed",
    ]
    assert sum(line.startswith(f"| {MARKED}") for line in out.splitlines()) == 1


def test_a_file_of_another_machine_is_not_added_to(monkeypatch, capsys, tmp_path):
    path = tmp_path / "all.json"
    content = {"processor": "Another", "torch": torch.__version__, "memory kept": False, "pairs": {}}
    path.write_text(json.dumps(content))
    with pytest.raises(SystemExit):
        call(monkeypatch, "--pairs", "resnet", "--out", path)
    line = capsys.readouterr().err.splitlines()[-1]  # before it, what building the kernels says
    assert line.startswith("error: ")
    assert "measured with processor Another" in line


def test_the_quick_settings_are_of_one_pair_in_pytorch():
    assert deployment.QUICK["pairs"] == ["resnet"]
    assert deployment.QUICK["forms"] == [*deployed_forms.IN_PYTORCH, *deployed_forms.TRAINING[:2]]
    assert set(deployment.WHOLE["pairs"]) < set(PAIRS)
    assert {"openvino", "aoti", "onnx-kernels"} <= set(deployment.WHOLE["forms"])
