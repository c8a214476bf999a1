import torch
from torch import nn

from tests.training.networks import coloured
from training.evaluate import confusion, evaluate, predict


class Bright(nn.Module):
    """Calls an image of more than the mean brightness class 1."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.modes = []

    def forward(self, images):
        self.modes.append(self.training)
        brightness = images.mean((1, 2, 3))
        return torch.stack([-brightness, brightness], 1)


def test_accuracy_in_eval_mode_and_mode_given_back():
    model, split = Bright().train(), coloured().validation
    assert evaluate(model, split) == 1.0
    assert model.modes == [False]
    assert model.training


def test_wrong_labels_count_as_wrong():
    split = coloured().validation
    split.labels = split.labels.clone()
    split.labels[:10] = 1 - split.labels[:10]
    assert evaluate(Bright(), split) == 0.75
    predicted, true = predict(Bright(), split)
    assert confusion(predicted, true, 2).tolist() == [[15, 5], [5, 15]]


def test_confusion_has_the_true_class_in_its_rows():
    table = confusion(torch.tensor([0, 2, 2]), torch.tensor([0, 1, 1]), 3)
    assert table.tolist() == [[1, 0, 0], [0, 0, 2], [0, 0, 0]]
