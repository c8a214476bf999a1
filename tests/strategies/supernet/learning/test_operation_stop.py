"""Operations stop where their gradients on both splits disagree."""

import torch
from torch import nn

from strategies.supernet.learning.operation_stop import STEPS, OperationStop


class Cell:
    """Two operations with weights on one edge, and one without."""

    def __init__(self):
        self.agreeing, self.opposed = nn.Linear(2, 1), nn.Linear(2, 1)
        self.choices = (((self.agreeing, self.opposed, nn.Identity()),),)

    def parameters(self):
        return [*self.agreeing.parameters(), *self.opposed.parameters()]

    def steps(self, stop, count):
        for _ in range(count):
            for parameter in self.parameters():
                parameter.grad = torch.ones_like(parameter)
            stop.keep_validation(self.parameters())
            for operation, sign in ((self.agreeing, 1), (self.opposed, -1)):
                for parameter in operation.parameters():
                    parameter.grad = sign * torch.ones_like(parameter)
            stop.compare()


def stopped(operation):
    return [parameter.grad is None for parameter in operation.parameters()]


def test_only_the_one_whose_gradients_disagree_stops_and_not_before_the_mean_is_of_enough_steps():
    cell = Cell()
    stop = OperationStop([cell], 0.4)
    cell.steps(stop, STEPS - 1)
    assert stop.share == 0.0
    cell.steps(stop, 1)
    assert stop.share == 0.5
    assert stopped(cell.opposed) == [True, True]
    assert stopped(cell.agreeing) == [False, False]
    cell.steps(stop, 1)
    assert stopped(cell.opposed) == [True, True]  # for good


def test_its_state_goes_on_in_another():
    cell = Cell()
    first = OperationStop([cell], 0.4)
    cell.steps(first, STEPS - 3)
    second = OperationStop([cell], 0.4)
    second.load(first.state())
    cell.steps(second, 3)
    assert second.share == 0.5


def test_while_warming_up_nothing_is_compared():
    cell = Cell()
    stop = OperationStop([cell], 0.4)
    for _ in range(STEPS):
        stop.compare()
    assert (stop.steps, stop.share) == (0, 0.0)
