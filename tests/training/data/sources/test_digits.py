import numpy as np
from sklearn.datasets import load_digits

from training.data.sources import digits


def test_equals_scikit_learn():
    images, labels = digits.read_digits()
    reference = load_digits()
    assert images.shape == (1797, 1, 8, 8)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(np.round(images[:, 0] * (16 / 255)), reference.images)
    np.testing.assert_array_equal(labels, reference.target)


def test_falls_back_to_scikit_learn(monkeypatch):
    expected = digits.read_digits()
    monkeypatch.setattr(digits, "_bundled_table", lambda: None)
    for found, wanted in zip(digits.read_digits(), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
