"""The assembled program against what torch makes and reads."""

from __future__ import annotations

import io
import zipfile

import pytest
import torch

from search_space import sample
from tests.training.export.test_recorder import lived_in
from training.export.program import program, save_program
from training.export.recorder import record
from training.export.simplify import simplify


@pytest.fixture(scope="module")
def recording():
    genotype = sample("darts-global", 5, image=(1, 8, 8), width=4, cells=2)
    recording = record(lived_in(genotype.build()), genotype.image)
    simplify(recording)
    return recording


def texts(file) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {
            name.split("/", 1)[1]: archive.read(name) for name in archive.namelist() if name.endswith(".json")
        }


def test_it_holds_what_torch_itself_writes(recording, tmp_path):
    save_program(recording, tmp_path / "m.pt2", {"model.json": "{}"})
    content = io.BytesIO()
    torch.export.save(program(recording), content, extra_files={"model.json": "{}"})
    assert texts(tmp_path / "m.pt2") == texts(content)


def test_any_number_of_images_and_no_other_size(recording, tmp_path):
    save_program(recording, tmp_path / "m.pt2", {})
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
