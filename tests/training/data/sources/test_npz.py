import io
import zipfile

import numpy as np
import pytest

from records.errors import UserError
from tests.training.networks import write_arrays
from training.data.lookup import dataset_info
from training.data.sources.npz import ArrayFile

CIFAR = dataset_info("cifar10")
MNIST = dataset_info("mnist")


def opened(path, info=CIFAR, **changed):
    return ArrayFile(write_arrays(path / "set.npz", info, **changed), info)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_stored_and_compressed_alike(tmp_path, save):
    images = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(30) % 10
    save(tmp_path / "set.npz", x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])
    file = ArrayFile(tmp_path / "set.npz", CIFAR)
    np.testing.assert_array_equal(file.images("train"), images.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(
        file.images("train", np.array([2, 7])), images[[2, 7]].transpose(0, 3, 1, 2)
    )
    np.testing.assert_array_equal(file.labels("test"), labels[:10])


def test_grey_images_get_a_channel(tmp_path):
    assert opened(tmp_path, MNIST).images("test").shape == (20, 1, 28, 28)


def test_a_stored_member_is_mapped_not_read(tmp_path):
    assert isinstance(opened(tmp_path).array("x_train"), np.memmap)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y_test": None}, r"lacks y_test; it holds x_train, y_train, x_test"),
        ({"x_train": np.zeros((60, 32, 32, 3))}, r"x_train is float64 of shape .*needs uint8"),
        ({"x_train": np.zeros((60, 3, 32, 28), np.uint8)}, r"shape \(60, 3, 32, 28\); .*\(N, 32, 32, 3\)"),
        ({"x_train": np.zeros((59, 32, 32, 3), np.uint8)}, r"59 images in x_train but 60 labels"),
        ({"y_train": np.arange(60)}, r"labels from 0 to 59; cifar10 has 0 to 9"),
        ({"y_train": np.zeros(60)}, r"y_train is float64"),
        ({"y_train": np.array([None] * 60)}, r"Python objects"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, changed, message):
    with pytest.raises(UserError, match=message) as caught:
        opened(tmp_path, **changed).images("train")
    assert "\n" not in str(caught.value)


def test_compressed_objects_are_not_unpickled(tmp_path):
    arrays = {key: np.array([None]) for key in ("x_train", "y_train", "x_test", "y_test")}
    np.savez_compressed(tmp_path / "set.npz", **arrays)
    with pytest.raises(UserError, match="y_train holds Python objects, which are not read"):
        ArrayFile(tmp_path / "set.npz", CIFAR).labels("train")


def test_memory_for_a_claimed_shape_is_not_asked_for(tmp_path):
    path = write_arrays(tmp_path / "set.npz", CIFAR)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**7, 1000, 1000)}
    )
    members["x_train.npy"] = header.getvalue()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(
        UserError, match=r"damaged.*x_train: its shape is \(10000000, 1000, 1000\).*in 0 bytes"
    ):
        ArrayFile(path, CIFAR).images("train")


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_cut_short(tmp_path, kept):
    path = write_arrays(tmp_path / "set.npz", CIFAR)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UserError, match="damaged or no npz file"):
        ArrayFile(path, CIFAR)


def test_missing(tmp_path):
    with pytest.raises(UserError, match=r"no file .*set\.npz; it must hold the arrays x_train"):
        ArrayFile(tmp_path / "set.npz", CIFAR)


def test_verify_finds_a_flipped_bit(tmp_path):
    path = write_arrays(tmp_path / "set.npz", CIFAR)
    ArrayFile(path, CIFAR).verify()
    content = bytearray(path.read_bytes())
    content[50_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"x_train\.npy"):
        ArrayFile(path, CIFAR).verify()


def test_a_member_that_is_no_array_is_not_taken_for_one(tmp_path):
    path = write_arrays(tmp_path / "set.npz", MNIST, y_test=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("y_test", b"0123")
    with pytest.raises(UserError, match=r"lacks y_test; it holds x_train, y_train, x_test$"):
        ArrayFile(path, MNIST)


def test_a_header_that_no_python_reads_is_damage(tmp_path):
    path = write_arrays(tmp_path / "a.npz", CIFAR)
    content = path.read_bytes()
    assert content.count(b"'fortran_order':") == 4
    path.write_bytes(content.replace(b"'fortran_order':", b"'fortran_order')"))
    with pytest.raises(UserError, match="is damaged or no npz file"):
        ArrayFile(path, CIFAR).array("x_train")
