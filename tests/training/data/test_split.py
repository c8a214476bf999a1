import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from records.errors import UserError
from training.data.augment import Augmentation
from training.data.datasets import DatasetInfo
from training.data.selection import stratified
from training.data.split import DeviceSplit, steps_per_epoch

INFO = DatasetInfo("t", (2, 4, 4), 3, (0.25, 0.5), (0.5, 0.125), flip=True)


def split(count=10):
    images = torch.arange(count * 32, dtype=torch.int64).remainder(256).to(torch.uint8).view(count, 2, 4, 4)
    return DeviceSplit(images, torch.arange(count), INFO, torch.device("cpu"))


def test_normalised_by_channel():
    images, _ = next(split().batches(10))
    expected = (split().images.double() / 255 - torch.tensor([0.25, 0.5]).view(1, 2, 1, 1)) / torch.tensor(
        [0.5, 0.125]
    ).view(1, 2, 1, 1)
    assert images.dtype == torch.float32
    torch.testing.assert_close(images.double(), expected, atol=1e-6, rtol=0)


def test_in_order_and_complete_without_a_seed():
    labels = [part.tolist() for _, part in split().batches(4)]
    assert labels == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_shuffled_in_whole_batches_with_a_seed():
    seen = [part for _, part in split().batches(4, seed=3)]
    assert [len(part) for part in seen] == [4, 4]
    assert len(set(torch.cat(seen).tolist())) == 8
    again = [part for _, part in split().batches(4, seed=3)]
    assert all(torch.equal(a, b) for a, b in zip(seen, again, strict=True))
    other = torch.cat([part for _, part in split().batches(4, seed=4)])
    assert not torch.equal(torch.cat(seen), other)


def test_images_keep_their_labels_when_shuffled():
    plain, _ = next(split().batches(10))
    for images, labels in split().batches(3, seed=0):
        torch.testing.assert_close(images, plain[labels])


def test_cutout_leaves_the_mean():
    images, _ = next(split().batches(10, augmentation=Augmentation(cutout=8), seed=0))
    assert (images == 0).float().mean() > 0.5


def test_one_short_batch_is_kept():
    assert steps_per_epoch(3, 8) == 1
    assert [len(labels) for _, labels in split(3).batches(8, seed=0)] == [3]


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=80),
    st.floats(0, 1),
    st.integers(0, 5),
)
def test_stratified_is_exact_disjoint_and_proportional(labels, share, seed):
    labels = np.array(labels)
    count = round(share * len(labels))
    chosen, rest = stratified(labels, count, seed)
    assert len(chosen) == count
    np.testing.assert_array_equal(np.sort(np.concatenate([chosen, rest])), np.arange(len(labels)))
    for label, size in zip(*np.unique(labels, return_counts=True), strict=True):
        assert abs((labels[chosen] == label).sum() - size * count / len(labels)) < 1


def test_stratified_depends_on_the_seed_alone():
    labels = np.arange(100) % 10
    np.testing.assert_array_equal(stratified(labels, 20, 1)[0], stratified(labels, 20, 1)[0])
    assert (stratified(labels, 20, 1)[0] != stratified(labels, 20, 2)[0]).any()


def test_more_than_there_are_is_refused():
    with pytest.raises(UserError, match="11 images were asked for; there are 10"):
        stratified(np.zeros(10, int), 11, 0)


@pytest.mark.parametrize("seed", [None, 7])
def test_parts_of_a_batch_put_together_are_the_batch(seed):
    options = {"augmentation": Augmentation(padding=1, flip=True, cutout=2), "seed": seed}
    whole = list(split().batches(5, **options))
    parts = [list(split().batches(5, every_nth=(i, 2), **options)) for i in range(2)]
    assert [[len(labels) for _, labels in part] for part in parts] == [[3, 3], [2, 2]]
    for (images, labels), *shares in zip(whole, *parts, strict=True):
        for i, (some, their_labels) in enumerate(shares):
            assert torch.equal(some, images[i::2])
            assert torch.equal(their_labels, labels[i::2])
