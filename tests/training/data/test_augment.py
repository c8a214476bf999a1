import pytest
import torch

from training.data.augment import Augmentation, cut_out, draw, move

CPU = torch.device("cpu")


def drawn(augmentation, count=200, size=(8, 6), seed=0):
    return draw(augmentation, count, size, torch.Generator().manual_seed(seed), CPU)


def test_crop_and_flip_equal_a_loop_over_images():
    images = torch.randint(0, 256, (200, 3, 8, 6), dtype=torch.uint8)
    augmentation = Augmentation(padding=2, flip=True)
    draws = drawn(augmentation)
    moved = move(images, augmentation, draws)
    for i in range(200):
        padded = torch.zeros(3, 12, 10, dtype=torch.uint8)
        padded[:, 2:10, 2:8] = images[i]
        row, column = draws.shift[i].tolist()
        expected = padded[:, row : row + 8, column : column + 6]
        if draws.mirrored[i]:
            expected = expected.flip(2)
        assert torch.equal(moved[i], expected)


def test_every_shift_and_both_sides_occur():
    draws = drawn(Augmentation(padding=1, flip=True), count=2000)
    counts = torch.bincount(draws.shift[:, 0] * 3 + draws.shift[:, 1], minlength=9)
    assert counts.min() > 2000 / 9 * 0.75
    assert 0.45 < draws.mirrored.float().mean() < 0.55


def test_cutout_is_a_square_cut_off_at_the_border():
    augmentation = Augmentation(cutout=4)
    draws = drawn(augmentation, size=(8, 8))
    holes = cut_out(torch.ones(200, 2, 8, 8), augmentation, draws) == 0
    for i in range(200):
        row, column = (draws.centre[i] - 2).tolist()
        expected = torch.zeros(8, 8, dtype=torch.bool)
        expected[max(row, 0) : row + 4, max(column, 0) : column + 4] = True
        assert torch.equal(holes[i, 0], expected)
        assert torch.equal(holes[i, 1], expected)
    assert 0 < holes.float().mean() <= 16 / 64


def test_nothing_asked_for_changes_nothing():
    images = torch.randint(0, 256, (5, 1, 8, 6), dtype=torch.uint8)
    draws = drawn(Augmentation(), count=5)
    assert torch.equal(move(images, Augmentation(), draws), images)
    assert torch.equal(cut_out(images.float(), Augmentation(), draws), images.float())


def test_same_seed_same_draws():
    augmentation = Augmentation(padding=2, flip=True, cutout=2)
    first, second, other = drawn(augmentation), drawn(augmentation), drawn(augmentation, seed=1)
    assert torch.equal(first.shift, second.shift)
    assert torch.equal(first.centre, second.centre)
    assert not torch.equal(first.shift, other.shift)


def test_negative_sizes_are_refused():
    with pytest.raises(ValueError, match="padding is -1"):
        Augmentation(padding=-1)
