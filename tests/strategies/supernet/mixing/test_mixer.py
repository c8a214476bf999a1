"""The weights of DARTS and Gumbel-DARTS."""

import pytest
import torch

from strategies.supernet.mixing.mixer import Gumbel, Softmax

NODE = ("normal", 2)
ROW = torch.tensor([1.0, 0.0, -1.0])


def weights(mixer, row=ROW, *, training=True):
    return torch.stack([term.weight for term in mixer.terms(NODE, [row], training=training)])


def test_softmax_weighs_all_but_none():
    torch.testing.assert_close(weights(Softmax()), ROW.softmax(0)[:2])


def test_gradients_reach_the_logits_in_their_own_step_alone():
    row, mixer = ROW.clone().requires_grad_(), Softmax()
    for learning in (True, False):
        mixer.begin_step({NODE: [row]}, learning=learning)
        assert weights(mixer, row).requires_grad == learning


def test_the_temperature_falls_linearly_over_the_epochs():
    mixer, seen = Gumbel(1.0, 0.2), []
    for epoch in range(5):
        mixer.begin_epoch(0, epoch, 5)
        seen.append(mixer.notes()["temperature"])
    assert seen == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])
    mixer.begin_epoch(0, 0, 1)
    assert mixer.temperature == 1.0


def test_a_low_temperature_picks_one_with_the_softmaxs_chances():
    mixer = Gumbel(0.01, 0.01)
    mixer.begin_epoch(0, 0, 1)
    picked = torch.zeros(2)
    for _ in range(3000):
        mixer.begin_step({NODE: [ROW]}, learning=False)
        picked += weights(mixer).round()
    torch.testing.assert_close(picked / 3000, ROW.softmax(0)[:2], atol=0.03, rtol=0)


def test_an_epochs_noise_is_its_seeds_and_there_is_none_in_evaluation():
    def drawn(seed, epoch):
        mixer = Gumbel(1.0, 1.0)
        mixer.begin_epoch(seed, epoch, 2)
        mixer.begin_step({NODE: [ROW]}, learning=False)
        return mixer, weights(mixer)

    mixer, first = drawn(0, 1)
    assert torch.equal(first, drawn(0, 1)[1])
    assert not torch.equal(first, drawn(0, 0)[1])
    assert not torch.equal(first, drawn(1, 1)[1])
    torch.testing.assert_close(weights(mixer, training=False), ROW.softmax(0)[:2])
