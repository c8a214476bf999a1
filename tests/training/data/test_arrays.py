"""Arrays of one's own: every layout that people keep images in, and a line for what is none."""

import dataclasses

import numpy as np
import pytest
import torch

from records.errors import UserError
from training.data.arrays import Arrays, save_arrays
from training.data.datasets import DatasetInfo
from training.data.loading import load_data
from training.data.lookup import dataset_info

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)
LABELS = np.arange(40) % 4


def arrays(**changed):
    whole = {"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS[:8], "y_test": LABELS[:8]}
    return {name: value for name, value in (whole | changed).items() if value is not None}


def written(folder, *, compressed=False, **changed):
    (np.savez_compressed if compressed else np.savez)(folder / "My own.npz", **arrays(**changed))
    return folder / "My own.npz"


def pixels(split):
    return split.images.numpy()


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_of_any_name_is_a_data_set(tmp_path, compressed):
    path = written(tmp_path, compressed=compressed, class_names=np.array(["a", "b c", "\u00e4", "<d>"]))
    found = dataset_info(str(path))
    part = PIXELS.astype(float) / 255
    assert dataclasses.replace(found, fingerprint="") == DatasetInfo(
        "My own.npz", (3, 6, 5), 4,
        tuple(np.round(part.mean((0, 1, 2)), 6)), tuple(np.round(part.std((0, 1, 2)), 6)),
        flip=False, class_names=("a", "b c", "\u00e4", "<d>"),
    )  # fmt: skip
    assert DatasetInfo.from_json(found.to_json()) == found
    assert dataset_info("My own.npz", tmp_path) == dataset_info(path) == found
    data = load_data(path, validation=0)
    np.testing.assert_array_equal(pixels(data.train), PIXELS.transpose(0, 3, 1, 2))
    assert len(data.test) == 8


@pytest.mark.parametrize(
    ("images", "image"),
    [
        (PIXELS[..., 0], (1, 6, 5)),
        (PIXELS[..., :1], (1, 6, 5)),
        (PIXELS, (3, 6, 5)),
        (PIXELS.transpose(0, 3, 1, 2), (3, 6, 5)),
        (np.asfortranarray(PIXELS), (3, 6, 5)),
        (PIXELS[..., :1].transpose(0, 3, 1, 2), (1, 6, 5)),
    ],
)
def test_every_layout_gives_the_same_images(images, image):
    data = load_data(arrays(x_train=images, x_test=images[:8]), validation=0)
    assert data.info.image == image
    np.testing.assert_array_equal(pixels(data.train), PIXELS.transpose(0, 3, 1, 2)[:, : image[0]])


def test_normalised_pixels_have_mean_0_and_deviation_1():
    data = load_data(arrays(), validation=0)
    batch = torch.cat([images for images, _ in data.train.batches(16)])
    torch.testing.assert_close(batch.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(batch.std((0, 2, 3), unbiased=False), torch.ones(3), atol=1e-4, rtol=0)


def test_images_of_one_colour_have_finite_pixels():
    data = load_data(arrays(x_train=np.zeros_like(PIXELS), x_test=PIXELS[:8]), validation=0)
    (batch, _) = next(iter(data.test.batches(8)))
    assert torch.isfinite(batch).all()


def test_mirrored_only_where_asked():
    assert not load_data(arrays()).info.flip
    assert load_data(arrays(), flip="on").info.flip
    assert not load_data("digits", flip="off").info.flip
    assert not dataset_info("cifar10", flip="off").flip


HOT = np.eye(4, dtype=int)[LABELS]
WRONG = [
    ({"x_test": None, "y_test": None}, "lacks x_test, y_test; it holds x_train, y_train"),
    ({"y_train": HOT}, r"y_train is int64 of shape \(40, 4\); accepted: whole numbers .*one-hot .*y\.argmax\(1\)"),
    ({"y_train": np.where(LABELS, LABELS, np.nan)}, r"y_train is float64 .* \(it holds NaN\)"),
    ({"y_train": LABELS.astype(float)}, r"y_train is float64 .* make y\.astype\('int64'\)"),
    ({"y_train": np.array(list("abcd"))[LABELS]}, r"y_train is <U1 .* np\.unique"),
    ({"y_train": LABELS.astype("m8[s]")}, r"y_train is timedelta64\[s\] of shape \(40,\); accepted: whole numbers"),
    ({"y_train": LABELS - 1}, "y_train has the label -1; accepted: whole numbers from 0"),
    (
        {"y_train": LABELS.astype("uint64") + np.uint64(2**63)},
        f"y_train has the label {2**63 + 3}; accepted: ",
    ),
    ({"y_train": LABELS + 1}, "y_train has labels from 1 to 4, but no 0; accepted: 0 to"),
    ({"y_train": np.where(LABELS == 2, 9, LABELS)}, "y_train has labels from 0 to 9, but no 2"),
    ({"y_train": np.where(LABELS == 2, 10**12, LABELS)}, "but no 2"),
    ({"y_train": LABELS * 0}, "y_train has the label 0 alone; accepted: 2 classes or more"),
    ({"y_test": LABELS[:8] + 1}, "y_test has the label 4; y_train has 0 to 3"),
    ({"y_train": LABELS[:39]}, "40 images in x_train but 39 labels in y_train"),
    ({"y_test": LABELS[:7]}, "8 images in x_test but 7 labels in y_test"),
    ({"x_train": PIXELS[:0], "y_train": LABELS[:0]}, r"y_train is int64 of shape \(0,\); accepted: .*; no number of the shape may be 0$"),
    ({"x_train": PIXELS[:, :0]}, r"x_train is uint8 of shape \(40, 0, 5, 3\); accepted: uint8 .*; no number of the shape may be 0$"),
    ({"x_train": PIXELS / 255}, r"x_train is float64 .*make \(x \* 255\)\.round\(\)\.astype\('uint8'\)"),
    ({"x_train": PIXELS * np.nan}, r"x_train is float64 .*\(x_train holds NaN\)"),
    ({"x_test": np.where(np.arange(8) == 5, np.nan, PIXELS[:8].T).T}, r"x_test is float64 .*\(x_test holds NaN\)"),
    ({"x_train": PIXELS.astype(np.int16)}, "x_train is int16 .*; accepted: uint8"),
    ({"x_train": PIXELS.reshape(40, -1)}, r"x_train is uint8 of shape \(40, 90\); accepted: uint8 .*\(N, H, W\)"),
    ({"x_train": np.zeros((40, 6, 5, 4), np.uint8)}, "with C 1 or 3"),
    ({"x_test": PIXELS[:8, :4]}, r"images in x_test are \(3, 4, 5\), those in x_train \(3, 6, 5\)"),
    ({"class_names": np.array(["a", "b"])}, r"class_names is <U1 of shape \(2,\); accepted: text of shape \(4,\)"),
    ({"class_names": np.arange(4)}, "class_names is int64"),
    ({"class_names": np.array(["a", "b", "c", "d\ne"])}, r"class_names has 'd\\ne'; accepted: printable"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "said"), WRONG)
def test_what_is_wrong_is_one_line_for_a_file_and_for_arrays(tmp_path, changed, said):
    for action in (
        lambda: dataset_info(str(written(tmp_path, **changed))),
        lambda: load_data(arrays(**changed)),
    ):
        with pytest.raises(UserError, match=said) as caught:
            action()
        assert "\n" not in str(caught.value)


def test_wrong_arrays_are_not_written(tmp_path):
    with pytest.raises(UserError, match="40 images in x_train but 39 labels in y_train"):
        save_arrays(tmp_path / "other.npz", **arrays(y_train=LABELS[:39]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", ["x_train", "y_train", "class_names"])
def test_objects_are_never_unpickled(tmp_path, compressed, name):
    path = written(tmp_path, compressed=compressed, **{name: np.array([None] * 40)})
    with pytest.raises(UserError, match=f"{name} holds Python objects, which are not read; accepted: arrays"):
        dataset_info(path)


def test_a_column_of_labels_and_bytes_for_names_are_taken(tmp_path):
    names = np.array([b"a", b"b", b"c", b"d"])
    path = written(tmp_path, y_train=LABELS[:, None].astype(np.uint8), class_names=names)
    assert dataset_info(path).class_names == ("a", "b", "c", "d")
    assert load_data(path, validation=0).train.labels.tolist() == LABELS.tolist()


def test_arrays_become_a_file(tmp_path):
    path = save_arrays(
        tmp_path / "new" / "mine.npz",
        torch.from_numpy(PIXELS), LABELS.tolist(), PIXELS[:8], LABELS[:8], class_names=list("abcd"),
    )  # fmt: skip
    assert path == str(tmp_path / "new" / "mine.npz")
    assert dataset_info(path).class_names == tuple("abcd")
    assert [entry.name for entry in (tmp_path / "new").iterdir()] == ["mine.npz"]
    with pytest.raises(UserError, match=r"path is '.*mine'; accepted: a file whose name ends in \.npz"):
        save_arrays(tmp_path / "mine", PIXELS, LABELS, PIXELS, LABELS)


def test_the_size_of_arrays_is_theirs():
    with pytest.raises(
        UserError, match=r"image_size is 8x8; dataset arrays has images of 6x5; accepted: leave"
    ):
        load_data(arrays(), image_size=8)
    with pytest.raises(UserError, match=r"channels is 1; dataset arrays has 3"):
        load_data(arrays(), channels=1)
    assert load_data(arrays(), image_size="6x5", channels=3).info.image == (3, 6, 5)


def test_known_facts_are_not_looked_for_again(tmp_path):
    path = written(tmp_path)
    known = dataset_info(path)
    other = DatasetInfo.from_json(known.to_json() | {"mean": [0.1, 0.2, 0.3]})
    assert load_data(path, info=other).info == other
    with pytest.raises(UserError, match="y_train has labels from 0 to 3; My own.npz has 0 to 2"):
        load_data(path, info=DatasetInfo.from_json(known.to_json() | {"classes": 3}))


def test_arrays_are_checked_against_what_is_known():
    with pytest.raises(UserError, match=r"x_train is uint8 of shape \(40, 6, 5, 3\); mnist needs uint8"):
        Arrays(arrays(), dataset_info("mnist")).images("train")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", ""], "has ''; accepted: printable names of 1 to 200 letters"),
        (["a", "b" * 201], r"has 'bbb.*\.\.\.; accepted"),
        (["a", "a"], "has a name twice; accepted: a name of its own for each class"),
    ],
)
def test_a_class_has_a_name_of_its_own(tmp_path, names, said):
    images, labels = np.zeros((4, 2, 2), np.uint8), [0, 1, 0, 1]
    with pytest.raises(UserError, match=said):
        save_arrays(tmp_path / "a.npz", images, labels, images, labels, names)


def test_masked_values_are_refused():
    """They would be read as whatever number stands behind the mask."""
    whole = arrays()
    masked = np.ma.MaskedArray(whole["y_train"], mask=False)
    assert load_data(whole | {"y_train": masked}, validation=0).info.classes == 4
    masked[1] = np.ma.masked
    with pytest.raises(UserError, match="arrays: y_train has 1 masked values; accepted: an array without"):
        load_data(whole | {"y_train": masked}, validation=0)
