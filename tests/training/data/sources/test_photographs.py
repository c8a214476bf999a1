"""A folder in ImageNet's layout with real photographs: those that scikit-learn and Matplotlib ship, cut to several sizes
and written in several modes."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
import sklearn.datasets
import torch
from PIL import Image

from training.data.loading import load_data

SAMPLES = Path(sklearn.datasets.__file__).parent / "images"
PHOTOGRAPHS = {
    "n01530575": SAMPLES / "flower.jpg",
    "n04346328": SAMPLES / "china.jpg",
    "n10427359": Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg",
}
# name and mode of a file, and the box that is cut out, as shares of width and height
FILES = [
    ("whole.JPEG", "RGB", (0.0, 0.0, 1.0, 1.0)),
    ("grey.JPEG", "L", (0.1, 0.0, 0.9, 0.7)),
    ("ink.JPEG", "CMYK", (0.0, 0.2, 0.6, 1.0)),
    ("clear.png", "RGBA", (0.3, 0.3, 0.8, 0.9)),
    ("palette.png", "P", (0.2, 0.1, 0.9, 0.8)),
    ("narrow.JPEG", "RGB", (0.45, 0.0, 0.55, 1.0)),
    ("small.JPEG", "RGB", (0.4, 0.4, 0.5, 0.5)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("imagenet")
    for part in ("train", "val"):
        for wnid, path in PHOTOGRAPHS.items():
            (root / part / wnid).mkdir(parents=True)
            with Image.open(path) as photograph:
                width, height = photograph.size
                for name, mode, box in FILES if part == "train" else FILES[:3]:
                    cut = photograph.crop(
                        tuple(round(s * e) for s, e in zip(box, (width, height) * 2, strict=True))
                    )
                    cut.convert(mode).save(root / part / wnid / f"{wnid}_{name}")
    return root


@pytest.fixture(scope="module")
def data(folder):
    return load_data("imagenet", folder, validation=0.2, image_size=64)


@pytest.fixture(scope="module")
def tested(data):
    return next(iter(data.test.batches(9)))


def test_photographs_of_every_size_and_mode_are_read(data, tested):
    assert data.info.image == (3, 64, 64)
    assert len(data.info.class_names) == len(PHOTOGRAPHS)
    assert (len(data.train) + len(data.validation), len(data.test)) == (21, 9)
    images, labels = tested
    assert images.shape == (9, 3, 64, 64)
    assert images.isfinite().all()
    assert labels.tolist() == sorted(labels.tolist())
    assert torch.bincount(labels).tolist() == [3, 3, 3]


def test_what_is_tested_is_the_middle_of_the_photograph(data, tested):
    """The mean colour of the middle, computed from the photograph itself, is that of the loaded image."""
    images, labels = tested
    mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (data.info.mean, data.info.std))
    colours = (images * std + mean).mean((2, 3))
    for place, path in enumerate(PHOTOGRAPHS.values()):
        with Image.open(path) as photograph:
            side = min(photograph.size) * 64 / 73  # 256 for 224
            left, top = ((extent - side) / 2 for extent in photograph.size)
            middle = photograph.convert("RGB").crop(tuple(map(round, (left, top, left + side, top + side))))
        wanted = torch.tensor(np.asarray(middle).mean((0, 1)) / 255, dtype=torch.float32)
        nearest = (colours[labels == place] - wanted).abs().amax(1).min()
        assert nearest < 0.02, path.name
