"""A search in Python on arrays of one's own, without a file or a name for them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from execution import session
from pde_nas import SearchSettings, UserError, search
from records.run_files.settings_file import SETTINGS
from training.data.loading import load_data

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
LABELS = np.arange(40) % 2
ARRAYS = (IMAGES[:30], LABELS[:30], IMAGES[30:], LABELS[30:])


@pytest.fixture
def searched(monkeypatch):
    """The settings of each search that would begin."""
    found = []

    class Begun(Exception):
        pass

    def note(settings, *_):
        found.append(settings)
        run = Path(settings.run_dir or "runs/run")
        run.mkdir(parents=True, exist_ok=True)
        run.joinpath(SETTINGS).touch()
        raise Begun

    monkeypatch.setattr(session, "search", note)

    def run(settings, arrays):
        with pytest.raises(Begun):
            search(settings, arrays=arrays)
        return found[-1]

    return run


def test_arrays_become_a_file_beside_the_run(searched, tmp_path):
    settings = SearchSettings(run_dir=str(tmp_path / "runs" / "a"), width=4)
    found = searched(settings, ARRAYS)
    (path,) = (tmp_path / "runs").glob("*.npz")
    data = load_data(found.dataset, found.data_dir, validation=0.2)
    assert (len(data.train), len(data.test), data.info.image, data.info.classes) == (24, 10, (1, 8, 8), 2)
    assert (found.width, found.run_dir) == (4, settings.run_dir)
    before = path.stat().st_mtime_ns
    assert searched(settings, (255 - IMAGES[:30], *ARRAYS[1:])).dataset != found.dataset
    assert searched(settings, list(ARRAYS)).dataset == found.dataset
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("dataset", ["digits", "cifar10", "folder"])
def test_the_folder_of_another_data_set_is_not_theirs(searched, tmp_path, monkeypatch, dataset):
    monkeypatch.chdir(tmp_path)
    found = searched(SearchSettings(dataset=dataset, data_dir=str(tmp_path / "images")), ARRAYS)
    assert load_data(found.dataset, found.data_dir, validation=0.2).info.classes == 2


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (ARRAYS[:3], "arrays is 3 of them; accepted: x_train, y_train, x_test, y_test"),
        ("abcd", "arrays is of type str; accepted: x_train"),
        (
            (torch.zeros(30, 8, 8, device="meta"), *ARRAYS[1:]),
            r"x_train is a Tensor that is no array .*x\.detach\(\)\.cpu",
        ),
        ((torch.zeros(30, 8, 8, requires_grad=True), *ARRAYS[1:]), r"x_train is a Tensor that is no array"),
        ((torch.zeros(30, 8, 8, dtype=torch.bfloat16), *ARRAYS[1:]), r"x_train is a Tensor that is no array"),
        ((IMAGES, LABELS[:3], IMAGES, LABELS), "y_train|labels"),
    ],
)
def test_what_are_no_arrays_is_one_line(tmp_path, arrays, message):
    with pytest.raises(UserError, match=message) as error:
        search(SearchSettings(run_dir=str(tmp_path / "run")), arrays=arrays)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_strategy_that_is_refused_leaves_no_file(tmp_path):
    with pytest.raises(
        UserError, match="strategy is of type int; accepted: a nni.nas.strategy.base.Strategy"
    ):
        search(SearchSettings(run_dir=str(tmp_path / "run")), strategy=3, arrays=ARRAYS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("refused", "message"),
    [({}, "batch_size is 64; there are"), ({"batch_size": 8, "max_params": 1}, "no architecture")],
)
def test_a_search_that_is_refused_leaves_no_file(tmp_path, refused, message):
    settings = SearchSettings(port=0, run_dir=str(tmp_path / "some" / "runs" / "run"), **refused)
    with pytest.raises(UserError, match=message):
        search(settings, arrays=ARRAYS)
    assert list(tmp_path.iterdir()) == []
