import pytest
import torch

from benchmarks import training_cost
from training.recipes.named import published_recipe


def test_hours_are_seconds_times_steps_times_epochs():
    cost = training_cost.TrainingCost("N", "cifar10", "r", 128, 0.6, 390, 300)
    assert cost.epoch_minutes == pytest.approx(3.9)
    assert cost.hours == pytest.approx(19.5)
    line = training_cost.costs_table([cost]).splitlines()[-1]
    assert line == "| N | r | 128 | 0.6 | 390 | 3.9 | 300 | 19.5 |"


def test_a_network_is_timed_by_its_own_recipe():
    torch.set_num_threads(1)
    cost = training_cost.measure("MNIST-Convolution", published_recipe("MNIST-Convolution"), steps=2)
    assert (cost.recipe, cost.batch_size, cost.epoch_steps, cost.epochs) == ("mnist-backbone", 128, 468, 30)
    assert 1e-4 < cost.step_seconds < 5
