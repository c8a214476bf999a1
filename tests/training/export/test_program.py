"""The assembled program against what torch makes and reads."""

from __future__ import annotations

import json
import zipfile

import pytest
import torch
from torch import nn

from search_space import sample
from tests.training.export.test_recorder import lived_in
from training.export.programs.program import program
from training.export.programs.program_file import _files, save_program
from training.export.recording.recorder import record
from training.export.recording.simplify import simplify


@pytest.fixture(scope="module")
def recording():
    genotype = sample("darts-global", 5, image=(1, 8, 8), width=4, cells=2)
    recording = record(lived_in(genotype.build()), genotype.image)
    simplify(recording)
    return recording


def parts(file) -> dict[str, object]:
    """What is in an archive, texts read, but for its number and the pickled example."""
    with zipfile.ZipFile(file) as archive:
        read = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
    read.pop(".data/serialization_id", None)
    del read["data/sample_inputs/model.pt"]
    return {name: json.loads(text) if name.endswith(".json") else text for name, text in read.items()}


@pytest.mark.parametrize("space", ["darts-global", "densenet-global", "mobilenet-v3-global", "mnist-global"])
def test_it_holds_what_torch_itself_writes(space, tmp_path):
    genotype = sample(space, 5, image=(1 if space == "mnist-global" else 3, 28, 28))
    recording = record(genotype.build().eval(), genotype.image)
    simplify(recording)
    assert _files(recording)  # none of it is left to torch
    save_program(recording, tmp_path / "m.pt2")
    torch.export.save(program(recording), tmp_path / "torch.pt2")
    assert parts(tmp_path / "m.pt2") == parts(tmp_path / "torch.pt2")


def test_what_it_does_not_write_torch_does(tmp_path):
    recording = record(nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (-1, 4))).eval(), (1, 2, 2))
    save_program(recording, tmp_path / "m.pt2")
    assert torch.export.load(tmp_path / "m.pt2").module()(torch.ones(3, 1, 2, 2)).shape == (3, 4)


def test_any_number_of_images_and_no_other_size(recording, tmp_path):
    save_program(recording, tmp_path / "m.pt2")
    loaded = torch.export.load(tmp_path / "m.pt2")
    network = loaded.module()
    images = torch.rand(11, 1, 8, 8)
    torch.testing.assert_close(network(images), recording.run(images)[0], rtol=0, atol=1e-5)
    assert network(images[:1]).shape == (1, 10)
    with pytest.raises(AssertionError, match=r"images.size\(\)\[3\] == 8"):
        network(torch.rand(2, 1, 8, 9))
    assert [str(symbol) for symbol in loaded.range_constraints] == ["batch"]


def test_it_is_one_of_torchs_operators_alone(recording):
    made = program(recording)
    made.validate()
    assert {n.target.namespace for n in made.graph.nodes if n.op == "call_function"} == {"aten"}
    assert not [n for n in made.graph.nodes if n.meta.keys() - {"val"}]


def test_torchs_own_decompositions_take_it(recording):
    images = torch.rand(3, 1, 8, 8)
    decomposed = program(recording).run_decompositions().module()
    torch.testing.assert_close(decomposed(images), recording.run(images)[0], rtol=0, atol=1e-5)
