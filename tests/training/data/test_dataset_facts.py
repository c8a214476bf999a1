"""What is found of images in folders: their size, whether they are grey, and the mean of what a network gets."""

import dataclasses
import shutil
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from records.errors import UserError
from tests.training.networks import write_arrays
from training.data import dataset_facts as facts
from training.data.dataset_facts import find_info, mean_and_std
from training.data.datasets import ImageOptions, sides
from training.data.loading import load_data
from training.data.lookup import dataset_info

RANDOM = np.random.default_rng(0)


def folder(path, sizes, *, mode="L", classes=("a", "b")):
    """One image of each (height, width) a class and part."""
    for part in ("train", "val"):
        for name in classes:
            (path / part / name).mkdir(parents=True, exist_ok=True)
            for number, size in enumerate(sizes):
                shape = size if mode == "L" else (*size, 3)
                pixels = RANDOM.integers(0, 256, shape, dtype=np.uint8)
                Image.fromarray(pixels).save(path / part / name / f"{number}.png")
    return path


@pytest.mark.parametrize(
    ("sizes", "size"),
    [
        ([(28, 28)] * 3, (28, 28)),
        ([(20, 32)] * 3, (20, 32)),  # all alike: they stay as they are
        ([(28, 28)] * 9 + [(30, 40)], (28, 28)),
        ([(20, 30), (24, 25), (60, 26)], (24, 24)),
        ([(300, 250)] * 2, (224, 224)),
        ([(300, 40)] * 2, (40, 40)),
    ],
)
def test_the_usual_size(tmp_path, sizes, size):
    assert dataset_info("folder", folder(tmp_path, sizes)).image == (1, *size)


@pytest.mark.parametrize("size", [16, "16", "16x24", "16X24"])
def test_another_size_is_what_is_asked_for(tmp_path, size):
    found = dataset_info("folder", folder(tmp_path, [(28, 28)]), image_size=size)
    assert found.image == (1, *sides(size))


@pytest.mark.parametrize("size", [0, -3, "a", "8x", "8x8x8", 2.5, True, 10**6, "", None])
def test_what_is_no_size(size):
    with pytest.raises(UserError, match=r"image_size is .*; accepted: "):
        sides(size)


def test_grey_if_all_are(tmp_path):
    grey = folder(tmp_path / "grey", [(9, 9)] * 3)
    for path in (grey / "train").rglob("0.png"):
        Image.open(path).convert("RGB").save(path)  # grey, kept in colour
    found = dataset_info("folder", grey)
    assert found.image == (1, 9, 9)
    assert dataset_info("folder", grey, channels=3).image == (3, 9, 9)
    assert dataset_info("folder", grey, channels=3).mean == found.mean * 3
    Image.new("RGB", (9, 9), (1, 2, 3)).save(grey / "train" / "a" / "one.png")
    assert dataset_info("folder", grey).image == (3, 9, 9)
    assert dataset_info("folder", grey, channels=1).image == (1, 9, 9)


def test_mean_and_deviation_are_of_the_images_as_a_network_gets_them(tmp_path):
    path = folder(tmp_path, [(20, 20), (30, 40), (16, 18)], mode="RGB")
    data = load_data("folder", path, image_size=12, validation=0, workers=0)
    pixels = data.train.images.double() / 255
    np.testing.assert_allclose(data.info.mean, pixels.mean((0, 2, 3)), atol=1e-6)
    np.testing.assert_allclose(data.info.std, pixels.std((0, 2, 3), unbiased=False), atol=1e-6)
    assert data.info.class_names == ("a", "b")


def test_images_of_the_size_stay_as_they_are(tmp_path):
    path = folder(tmp_path, [(28, 28)] * 2)
    data = load_data("folder", path, validation=0, workers=0)
    first = np.asarray(Image.open(path / "train" / "a" / "0.png"))
    np.testing.assert_array_equal(data.train.images[0, 0], first)


def test_mirrored_only_where_asked(tmp_path):
    path = folder(tmp_path, [(8, 8)])
    assert not dataset_info("folder", path).flip
    assert dataset_info("folder", path, flip="on").flip
    with pytest.raises(UserError, match="flip is 'maybe'; accepted: on, off"):
        dataset_info("folder", path, flip="maybe")


def test_imagenet_keeps_its_own(tmp_path):
    found = dataset_info("imagenet", folder(tmp_path, [(8, 8)]))
    assert (found.image, found.mean[0], found.flip) == ((3, 224, 224), 0.485, True)
    assert dataset_info("imagenet", tmp_path, image_size=64, flip="off").image == (3, 64, 64)
    with pytest.raises(UserError, match="channels is 1; imagenet's mean and deviation are of 3"):
        dataset_info("imagenet", tmp_path, channels=1)


def test_of_very_many_images_a_sample_is_decoded(tmp_path, monkeypatch):
    path = folder(tmp_path, [(8, 8)] * 20)
    whole = dataset_info("folder", path)
    monkeypatch.setattr(facts, "_DECODED_PIXELS", 64 * 5)
    monkeypatch.setattr(facts, "_SMALLEST_SAMPLE", 5)
    part = dataset_info("folder", path)
    assert part == dataset_info("folder", path)
    assert part.mean != whole.mean
    assert part.mean[0] == pytest.approx(whole.mean[0], abs=0.1)


@pytest.mark.parametrize("part", ["a", "b"])
def test_a_damaged_image_is_named(tmp_path, part):
    path = folder(tmp_path, [(8, 8)] * 3)
    bad = path / "train" / part / "1.png"
    bad.write_bytes(bad.read_bytes()[:60])
    with pytest.raises(
        UserError, match=rf"^image .*train/{part}/1\.png cannot be read; replace or delete it$"
    ):
        dataset_info("folder", path)


def test_mean_and_deviation_of_parts():
    images = RANDOM.integers(0, 256, (10, 2, 3, 4), dtype=np.uint8)
    mean, std = mean_and_std([images[:3], images[3:]])
    np.testing.assert_allclose(mean, (images / 255).mean((0, 2, 3)), atol=1e-6)
    np.testing.assert_allclose(std, (images / 255).std((0, 2, 3)), atol=1e-6)


def test_other_data_than_a_run_began_with_are_refused(tmp_path):
    path = folder(tmp_path / "one", [(8, 8)] * 2)
    known = dataclasses.replace(dataset_info("folder", path), mean=(0.25,), std=(0.5,))
    again = lambda place, **asked: find_info("folder", place, ImageOptions(**asked), known)  # noqa: E731
    assert again(path) == known
    with pytest.raises(
        UserError, match=r"data in .*two are others than the run began with: images are 9x9, were 8x8"
    ):
        again(folder(tmp_path / "two", [(9, 9)] * 2))
    with pytest.raises(UserError, match="images were added, removed or replaced; accepted: the same data"):
        again(tmp_path / "two", size=(8, 8))  # cut to the same size, but others
    with pytest.raises(UserError, match="there is a class 'c' for 'b'; accepted: the same data"):
        again(folder(tmp_path / "three", [(8, 8)] * 2, classes=("a", "c")))
    with pytest.raises(UserError, match="classes are 3, were 2; accepted: the same data"):
        again(folder(tmp_path / "four", [(8, 8)] * 2, classes=("a", "b", "c")))


@pytest.mark.parametrize("part", ["train", "val"])
@pytest.mark.parametrize("change", ["added", "removed", "renamed", "replaced"])
def test_images_that_come_and_go_are_noticed(tmp_path, part, change):
    path = folder(tmp_path / "one", [(8, 8)] * 3)
    known = dataset_info("folder", path)
    (tmp_path / "one").rename(tmp_path / "moved")  # the same images elsewhere are the same
    path = tmp_path / "moved"
    assert find_info("folder", path, ImageOptions(), known) == known
    image = path / part / "a" / "1.png"
    if change == "added":
        shutil.copy(image, image.with_name("3.png"))
    elif change == "removed":
        image.unlink()
    elif change == "renamed":
        image.rename(path / part / "b" / "9.png")
    else:
        Image.new("L", (8, 8)).save(image)
    for look in (
        lambda info: find_info("folder", path, ImageOptions(), info),
        lambda info: load_data("folder", path, info=info, validation=0),
    ):
        with pytest.raises(
            UserError, match="images were added, removed or replaced; accepted: the same data"
        ):
            look(known)
        look(dataclasses.replace(known, fingerprint=""))  # of a run of an earlier version


def test_another_name_of_a_class_is_noticed_where_images_are_read(tmp_path):
    path = folder(tmp_path, [(8, 8)] * 3, classes=("no", "yes"))
    known = dataset_info("folder", path)
    for part in ("train", "val"):
        (path / part / "yes").rename(path / part / "ja")  # now it comes first: every label is another one's
    with pytest.raises(UserError, match="there is a class 'ja' for 'no'; accepted: the same data"):
        load_data("folder", path, info=known)


def test_other_arrays_of_the_same_shapes_are_noticed(tmp_path):
    path = write_arrays(tmp_path / "my.npz", dataset_info("digits"))
    known = dataset_info(str(path))
    with np.load(path) as arrays:
        own = dict(arrays)
    np.savez_compressed(path, **own)  # packed otherwise, the same
    assert find_info("my.npz", tmp_path, ImageOptions(), known) == known
    np.savez(path, **own | {"y_test": np.roll(own["y_test"], 1)})
    with pytest.raises(UserError, match=r"data in .*my\.npz are others than the run began with: images were"):
        find_info("my.npz", tmp_path, ImageOptions(), known)
    with pytest.raises(UserError, match=r"data in .*my\.npz are others than the run began with: images were"):
        load_data("my.npz", tmp_path, info=known)


def test_of_mapped_arrays_a_part_at_a_time_is_in_memory(tmp_path, monkeypatch):
    info = dataset_info("cifar10")
    path = write_arrays(tmp_path / "my.npz", info, train=2000)  # 6 MB of images
    expected = dataset_info(str(path))
    monkeypatch.setattr(facts, "_CHUNK_PIXELS", 2**14)
    tracemalloc.start()
    try:
        found = dataset_info(str(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == expected
    assert peak < 2 * 10**6
