"""Which images are chosen: every class is there, or a line says what would be enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.errors import UserError
from training.data.datasets import DatasetInfo
from training.data.selection import choose, require_batch, stratified


def info(classes, names=()):
    return DatasetInfo("t", (1, 4, 4), classes, (0.5,), (0.5,), False, tuple(names))


def labels(*counts):
    return np.repeat(np.arange(len(counts)), counts)


def test_a_small_class_is_on_both_sides():
    of = labels(1000, 3)
    kept, held_out = choose(of, info(2), validation=0.2)
    assert (len(kept), len(held_out)) == (802, 201)
    assert np.bincount(of[held_out]).tolist() == [200, 1]
    kept, held_out = choose(of, info(2), validation=0.2, limit=100)
    assert np.bincount(of[kept]).tolist() == [79, 1]
    assert np.bincount(of[held_out]).tolist() == [19, 1]


def test_what_is_in_proportion_already_stays_as_it_was():
    of = np.arange(500) % 7
    plain, evened = (stratified(of, 100, 3, **options)[0] for options in ({}, {"least": 1, "left": 1}))
    np.testing.assert_array_equal(plain, evened)


@given(st.lists(st.integers(2, 40), min_size=2, max_size=6), st.floats(0.05, 0.95), st.integers(1, 250))
def test_an_accepted_choice_has_every_class_and_a_refused_one_says_what_is(counts, validation, limit):
    of, facts = labels(*counts), info(len(counts))
    try:
        kept, held_out = choose(of, facts, limit=limit, validation=validation, batch_size=3)
    except UserError as error:
        said = str(error)
        if said.startswith("train_limit"):
            accepted = int(said.split("accepted: ")[1].split(" ")[0])
            assert accepted > limit
            choose(of, facts, limit=accepted, validation=validation, batch_size=3)
            with pytest.raises(UserError):
                choose(of, facts, limit=accepted - 1, validation=validation, batch_size=3)
        return
    total = min(limit, len(of))
    assert len(held_out) == round(validation * total)
    assert len(kept) + len(held_out) == total
    assert not set(kept) & set(held_out)
    assert set(of[kept]) == set(of[held_out]) == set(range(len(counts)))
    assert len(kept) >= 3


@pytest.mark.parametrize(
    ("counts", "options", "said"),
    [
        (
            [50] * 10,
            {"limit": 5, "validation": 0.2, "batch_size": 64},
            "train_limit is 5; accepted: 80 or more: each of the 10 classes is trained on and held out "
            "(validation 0.2), and a batch has 64 images (fewer with a smaller batch_size)",
        ),
        (
            [50] * 10,
            {"limit": 19, "validation": 0.5, "batch_size": 4},
            "train_limit is 19; accepted: 20 or more: each of the 10 classes is trained on and held out (validation "
            "0.5)",
        ),
        ([50] * 10, {"limit": 5}, "train_limit is 5; accepted: 10 or more: each of the 10 classes is trained on"),
        (
            [4] * 10,
            {"validation": 0.2, "batch_size": 8},
            "validation 0.2 of 40 images is 8; accepted: a share from 0.25 to 0.75, so that each of the 10 classes is "
            "trained on and held out",
        ),
        (
            [10, 10],
            {"batch_size": 64},
            "batch_size is 64; there are 20 images to train on, of which no batch can be made; accepted: up to 20",
        ),
        (
            [10, 1, 1],
            {"validation": 0.5},
            "dataset t: training images of class 'b' (of 2 classes that have too few): 1; accepted: 2 or more of each "
            "class, of which one is held out",
        ),
        ([10, 0, 5], {}, "dataset t: training images of class 'b': 0; accepted: 1 or more of each class"),
    ],
)  # fmt: skip
def test_too_few_say_what_is_enough(counts, options, said):
    names = "abc" if len(counts) == 3 else ()
    with pytest.raises(UserError) as caught:
        choose(labels(*counts), info(len(counts), names), **options)
    assert str(caught.value).startswith(said)


def test_no_batch_can_be_made_of_fewer_images():
    require_batch(64, 64)
    with pytest.raises(UserError, match="batch_size is 65; there are 64 images to train on"):
        require_batch(65, 64)
