"""The ways of a training step, side by side."""

import json

import torch

from benchmarks import training_steps


def test_both_ways_of_a_cpu_are_measured_and_kept(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(training_steps, "multiplies_bfloat16", lambda device: True)
    out = tmp_path / "steps.jsonl"
    monkeypatch.setattr(
        "sys.argv",
        [
            "training_steps",
            "ResNet-Tiny",
            "--device",
            "cpu",
            "--steps",
            "1",
            "--epochs",
            "2",
            "--out",
            str(out),
        ],
    )
    training_steps.main()
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert [record["way"] for record in records] == ["float32", "bfloat16"]
    assert all(record["step"] > 0 for record in records)
    assert capsys.readouterr().out.count("| ResNet-Tiny |") == 2


def test_a_processor_without_amx_is_told(monkeypatch, capsys):
    monkeypatch.setattr(training_steps, "multiplies_bfloat16", lambda device: False)
    monkeypatch.setattr(
        "sys.argv", ["training_steps", "ResNet-Tiny", "--device", "cpu", "--ways", "bfloat16"]
    )
    training_steps.main()
    assert "bfloat16: left out" in capsys.readouterr().out


def test_random_batches_are_always_the_same():
    one, other = (training_steps.random_data(2, 4, torch.device("cpu")).train for _ in range(2))
    assert torch.equal(one.images, other.images)
    assert one.images.shape == (8, 3, 32, 32)
