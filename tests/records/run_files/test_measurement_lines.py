"""Lines of candidates: their genotypes are read when they are asked for, and long files take little."""

from __future__ import annotations

import copy
import json
import pickle
import tracemalloc

import pytest

from records.errors import UserError
from records.measurement import Measurement
from records.run_files.measurement_lines import read_measurements
from tests.analysis.samples.runs import FIVE, measurement


def write(path, lines):
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def test_what_was_read_equals_what_was_written(tmp_path):
    read, torn = read_measurements(write(tmp_path / "a", [m.to_json() for m in FIVE]))
    assert torn is None
    assert read == tuple(FIVE)
    assert [m.genotype for m in read] == [m.genotype for m in FIVE]
    for made in (copy.deepcopy(read), pickle.loads(pickle.dumps(read))):
        assert made == tuple(FIVE)
    assert [m.to_json() for m in read] == [m.to_json() for m in FIVE]


def test_a_text_that_looks_like_the_genotypes_end_is_none(tmp_path):
    strange = measurement(0, None, 5, error='no }, "status": "ok", "genotype": {"a": 1}')
    nested = measurement(1, 0.5, 5, genotype={"settings": {"a": {"b": 1}, "status": "ok"}, "text": "}]"})
    unusual = {"status": "ok", **measurement(2, 0.5, 5).to_json()}
    read, _ = read_measurements(write(tmp_path / "a", [strange.to_json(), nested.to_json(), unusual]))
    assert [m.genotype for m in read] == [strange.genotype, nested.genotype, unusual["genotype"]]
    assert read[0].error == strange.error


def test_a_genotype_that_is_damaged_is_told_of_when_it_is_asked_for(tmp_path):
    line = json.dumps(FIVE[2].to_json()).replace('"space": "darts', '"space"; "darts')
    (read,), _ = read_measurements(write(tmp_path / "a", [line]))
    assert read.accuracy == 0.7
    with pytest.raises(UserError, match="the genotype of candidate 2 is damaged: it is not JSON"):
        _ = read.genotype
    with pytest.raises(AttributeError, match="has no attribute 'colour'"):
        _ = read.colour


def test_brackets_that_do_not_close_are_damage(tmp_path):
    line = json.dumps(FIVE[2].to_json()).replace("]]", "]", 1)
    with pytest.raises(UserError, match="line 1, is damaged: it is not a candidate's JSON"):
        read_measurements(write(tmp_path / "a", [line]))


def test_a_last_line_is_torn_or_whole_whether_or_not_it_has_an_end(tmp_path):
    lines = [json.dumps(m.to_json()) for m in FIVE]
    path = tmp_path / "a"
    path.write_text("\n".join(lines))
    assert read_measurements(path) == (tuple(FIVE), None)
    path.write_text("\n".join(lines)[:-9])
    assert read_measurements(path) == (tuple(FIVE[:4]), 5)
    path.write_text(lines[0][:40])
    assert read_measurements(path) == ((), 1)
    path.write_text("")
    assert read_measurements(path) == ((), None)


def test_a_long_file_is_held_in_less_than_twice_its_size(tmp_path):
    record = FIVE[0].to_json()
    path = write(tmp_path / "a", [record | {"index": n} for n in range(2000)])
    tracemalloc.start()
    read, _ = read_measurements(path)
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = path.stat().st_size
    assert len(read) == 2000
    assert kept < 1.6 * size  # as objects it is seven times the file
    assert most < 2.8 * size


def test_a_later_versions_fields_are_left_out():
    record = FIVE[0].to_json() | {"colour": "red"}
    assert Measurement.from_json(record) == FIVE[0]


@pytest.mark.parametrize("name", ["accuracy", "latency", "seconds"])
def test_a_number_that_no_float_can_hold_is_damage(tmp_path, name):
    line = json.dumps(FIVE[2].to_json() | {name: 10**400})
    with pytest.raises(UserError, match=f"line 1, is damaged: {name} is 1000.*; accepted: a number"):
        read_measurements(write(tmp_path / "a", [line]))
