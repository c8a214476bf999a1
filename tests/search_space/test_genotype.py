"""Genotypes as files: round trips, what old ones must still mean, and what is no genotype."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space import Cost, Genotype, GenotypeError, sample
from search_space.cells.darts_global import DartsGlobalSpace
from search_space.genotype import LARGEST_FILE
from tests.search_space.darts_v2 import darts_v2

GOLDEN = Path(__file__).parent / "genotype_v1.json"


@st.composite
def genotypes(draw):
    return sample(
        "darts-global",
        draw(st.integers(0, 2**63 - 1)),
        image=tuple(draw(st.integers(1, 300)) for _ in range(3)),
        classes=draw(st.integers(2, 1000)),
        width=draw(st.integers(1, 100)),
        cells=draw(st.integers(1, 30)),
        nodes=draw(st.integers(1, 6)),
        inputs=draw(st.integers(1, 2)),
        auxiliary=draw(st.booleans()),
    )


@settings(max_examples=60, deadline=None)
@given(genotypes())
def test_a_genotype_survives_json(genotype):
    read = Genotype.from_json(json.loads(json.dumps(genotype.to_json())))
    assert read == genotype
    assert hash(read) == hash(genotype)
    assert read.key() == genotype.key()
    assert read.cost() == genotype.cost()


def test_a_file_is_written_whole_and_read_back(tmp_path):
    genotype = darts_v2(4, 3, 10)
    path = genotype.save(tmp_path / "best.json")
    assert Genotype.load(path) == genotype
    assert list(tmp_path.iterdir()) == [path]


def test_a_cost_is_computed_once(monkeypatch):
    genotype = darts_v2(4, 3, 10)
    cost = genotype.cost()
    monkeypatch.setattr(DartsGlobalSpace, "cost", None)
    assert genotype.cost() is cost


def test_files_of_version_1_stay_what_they_were():
    genotype = Genotype.load(GOLDEN)
    assert genotype.key() == "373b243dd4bef590"
    assert genotype.cost() == Cost(32882, 488320, 429184)
    primitives = genotype.settings["primitives"]  # those of its time
    assert genotype == sample("darts-global", 5, image=(1, 8, 8), width=8, cells=3, primitives=primitives)


def test_the_same_seed_gives_the_same_genotype_in_another_process():
    code = (
        "import search_space as s, sys; assert 'nni' not in sys.modules; "
        "print(s.sample('darts-global', 5, image=(1, 8, 8), width=8, cells=3).key(), 'nni' in sys.modules)"
    )
    for hash_seed in ("1", "2"):
        printed = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": hash_seed, "PATH": ""}, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert printed.stdout.split() == ["b4e5a85f5382184e", "False"]


def _changed(path, value):
    record = copy.deepcopy(darts_v2(4, 3, 10).to_json())
    place = record
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return record


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["version"], 2, "version is 2, from the future; accepted: up to 1"),
        (["version"], 0, "version is 0; accepted"),
        (["version"], "1", "version is '1'; accepted"),
        (["version"], True, "version is True; accepted"),
        (["space"], "moon", "space is 'moon'; accepted: darts-global"),
        (["space"], ["x"], r"space is \['x'\]; accepted"),
        (["image"], [3, 32], r"image is \[3, 32\]; accepted: \[channels, height, width\]"),
        (["image"], [3, 32, 0], "image's width is 0; accepted"),
        (["image"], [3, 32, 32.0], "image's width is 32.0; accepted"),
        (["classes"], 1, "classes is 1; accepted"),
        (["settings"], [], "settings is .*; accepted: an object"),
        (["settings", "width"], "wide", "width is 'wide'; accepted: a whole number"),
        (["architecture"], {}, "cells .*accepted with 3 cells: normal, reduction"),
        (["architecture", "other"], [], "cells .*accepted with 3 cells: normal, reduction"),
        (["architecture", "normal"], [], "cell normal is .*; accepted: a list of 4 nodes"),
        (["architecture", "normal", 1], [["skip_connect", 0]], "node 3 of cell normal is .*list of 2"),
        (["architecture", "normal", 1, 0], "skip", "edge 0 of node 3 of cell normal is 'skip'; accepted"),
        (["architecture", "normal", 1, 0, 0], "conv_9x9", "normal/op_3_0 is 'conv_9x9'; accepted: skip_con"),
        (["architecture", "normal", 1, 0, 1], 3, "normal/input_3_0 is 3; accepted: 0, 1, 2"),
        (["architecture", "normal", 1, 0, 1], True, "normal/input_3_0 is True; accepted: 0, 1, 2"),
        (["architecture", "normal", 1, 0, 1], {}, "normal/input_3_0 is {}; accepted: 0, 1, 2"),
        (["weights"], 1, "'weights' is no field; known: version"),
    ],
)
def test_what_is_wrong_is_said_on_one_line(path, value, message):
    with pytest.raises(GenotypeError, match=message) as raised:
        Genotype.from_json(_changed(path, value))
    assert "\n" not in str(raised.value)


def test_a_missing_field_is_named():
    record = darts_v2(4, 3, 10).to_json()
    del record["classes"]
    with pytest.raises(GenotypeError, match="classes is missing"):
        Genotype.from_json(record)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[1]", "accepted: an object"),
        (b"\x80\x04\x95", "is no text"),
        (b"[" * 100_000, "is not JSON"),
        (b" " * (LARGEST_FILE + 1), "is larger than"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path, content, message):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(GenotypeError, match=message) as raised:
        Genotype.load(path)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(GenotypeError, match="is a folder"):
        Genotype.load(tmp_path)
    with pytest.raises(GenotypeError, match="there is no such file"):
        Genotype.load(tmp_path / "none.json")
    with pytest.raises(GenotypeError, match="cannot write "):
        darts_v2(4, 3, 10).save(tmp_path / "none" / "best.json")
