import errno
import os

import numpy as np
import pytest
import torch
from PIL import Image

from records.errors import UserError
from training.data.augment import Augmentation
from training.data.loading import dataset_info, load_data
from training.data.sources import folder

COLOURS = {"blue": (10, 20, 200), "green": (30, 190, 40), "red": (210, 15, 25)}


@pytest.fixture
def images(tmp_path):
    """Three classes of plain colour, of several sizes: 8 training and 2 test images each."""
    for part, count in (("train", 8), ("val", 2)):
        for name, colour in COLOURS.items():
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(count):
                size = (20 + i, 30 - i)
                Image.new("RGB", size, colour).save(tmp_path / part / name / f"{i}.png")
    return tmp_path


def opened(images, **options):
    return load_data("folder", images, image_size=16, workers=0, validation=0.25, **options)


def colours(split, **options):
    """The pixel values, back in [0, 255], and the labels of all batches."""
    info = split.info
    std, mean = (torch.tensor(values).view(1, 3, 1, 1) for values in (info.std, info.mean))
    parts = list(split.batches(4, **options))
    pixels = torch.cat([(batch * std + mean) * 255 for batch, _ in parts])
    return pixels.round().to(torch.int64), torch.cat([labels for _, labels in parts])


def test_info_counts_the_class_folders(images):
    info = dataset_info("folder", images, image_size=16)
    assert (info.classes, info.image) == (3, (3, 16, 16))


@pytest.mark.parametrize("on_device", [True, False])
def test_split_sizes_pixels_and_labels(images, monkeypatch, on_device):
    if not on_device:
        monkeypatch.setattr(folder, "DEVICE_BYTES", 0)
    data = opened(images)
    assert type(data.train).__name__ == ("DeviceSplit" if on_device else "StreamSplit")
    assert (len(data.train), len(data.validation), len(data.test)) == (18, 6, 6)
    for split, options in ((data.train, {"seed": 1}), (data.validation, {}), (data.test, {})):
        pixels, labels = colours(split, **options)
        expected = torch.tensor(list(COLOURS.values()))[labels].view(-1, 3, 1, 1)
        assert pixels.shape[1:] == (3, 16, 16)
        assert torch.equal(pixels, expected.expand_as(pixels))
    _, labels = colours(data.test)
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]


def test_streamed_batches_repeat_with_the_seed(images, monkeypatch):
    monkeypatch.setattr(folder, "DEVICE_BYTES", 0)
    train = opened(images).train
    first, again, other = ([label.tolist() for _, label in train.batches(4, seed=s)] for s in (1, 1, 2))
    assert first == again != other
    assert [len(labels) for labels in first] == [4] * 4


def test_parts_of_streamed_batches_share_the_files(images, monkeypatch):
    monkeypatch.setattr(folder, "DEVICE_BYTES", 0)
    train = opened(images).train
    flip = Augmentation(flip=True)
    whole = [label.tolist() for _, label in train.batches(5, seed=1)]
    parts = [
        [label.tolist() for _, label in train.batches(5, augmentation=flip, seed=1, every_nth=(i, 2))]
        for i in (0, 1)
    ]
    assert parts == [[labels[i::2] for labels in whole] for i in (0, 1)]


def test_workers_see_the_same_images(images, monkeypatch):
    monkeypatch.setattr(folder, "DEVICE_BYTES", 0)
    test = load_data("folder", images, image_size=16, workers=2).test
    np.testing.assert_array_equal(colours(test)[0], colours(opened(images).test)[0])


def test_workers_are_forked_whatever_the_process_was(images, monkeypatch):
    """Confirming processes are spawned; their workers, if spawned too, would import torch for each pass."""
    seen = []

    class Spy(torch.utils.data.DataLoader):
        def __init__(self, *given, **more):
            seen.append((more["num_workers"], more["multiprocessing_context"]))
            super().__init__(*given, **more)

    monkeypatch.setattr(torch.utils.data, "DataLoader", Spy)
    for workers, context in ((2, "fork"), (0, None)):
        seen.clear()
        assert len(load_data("folder", images, image_size=16, workers=workers).test) == 6
        assert set(seen) == {(workers, context)}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_image_is_named_in_one_line(images, workers):
    (images / "val" / "red" / "1.png").write_bytes(b"no image")
    data = load_data("folder", images, image_size=16, workers=workers)
    with pytest.raises(UserError, match=r"^image .*red/1\.png cannot be read; replace or delete it$"):
        _ = data.test


@pytest.mark.parametrize("closed", ["train/red", "train/red/deeper"])
def test_a_folder_that_cannot_be_read_is_not_taken_for_empty(images, monkeypatch, closed):
    (images / closed).mkdir(exist_ok=True)
    scan = os.scandir

    def refuse(path):
        if str(path) == str(images / closed):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match=f"cannot read .*{closed}: Permission denied"):
        dataset_info("folder", images)


def test_missing_parts(tmp_path, images):
    with pytest.raises(UserError, match=r"no folder .*train; dataset imagenet needs train/<class>/"):
        dataset_info("imagenet", tmp_path / "elsewhere")
    (images / "val" / "violet").mkdir()
    with pytest.raises(UserError, match="different classes: violet"):
        dataset_info("folder", images)
    (images / "val" / "violet").rmdir()
    (images / "train" / "violet").mkdir()
    (images / "val" / "violet").mkdir()
    with pytest.raises(UserError, match="violet"):
        load_data("folder", images)


@pytest.mark.parametrize("channels", [1, 3])
def test_streamed_images_of_any_colour_and_shape_are_augmented(images, monkeypatch, channels):
    monkeypatch.setattr(folder, "DEVICE_BYTES", 0)
    options = {"channels": channels, "image_size": "12x20", "workers": 0, "validation": 0.25}
    data = load_data("folder", images, randaugment=9, **options)
    for split, more in (
        (data.train, {"augmentation": Augmentation(flip=True, cutout=4), "seed": 1}),
        (data.test, {}),
    ):
        batches = list(split.batches(4, **more))
        assert all(batch.shape[1:] == (channels, 12, 20) and batch.isfinite().all() for batch, _ in batches)


@pytest.mark.parametrize(
    ("size", "margin"), [((1, 1), None), ((1, 1), 1.143), ((1, 7), None), ((7, 1), None)]
)
def test_images_are_scaled_to_a_side_of_one_pixel(size, margin):
    pixels = np.full((3, 9, 9), [[[10]], [[20]], [[200]]], np.uint8)
    scaled = folder.Middle(size, margin)(pixels)
    assert scaled.shape == (3, *size)
    assert scaled.amax((1, 2)).tolist() == scaled.amin((1, 2)).tolist() == [10, 20, 200]
