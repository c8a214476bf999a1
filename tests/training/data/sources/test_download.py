import numpy as np
import pytest
import torch
import torchvision.datasets

from records.errors import UserError
from training.data.loading import load_data


class FakeMnist:
    downloads = 0

    def __init__(self, root, train, download):
        assert download
        FakeMnist.downloads += 1
        count = 40 if train else 10
        self.data = torch.arange(count * 784).remainder(251).to(torch.uint8).view(count, 28, 28)
        self.targets = torch.arange(count) % 10


def test_downloads_once_and_stores_an_npz(tmp_path, monkeypatch):
    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", FakeMnist)
    folder = tmp_path / "new"
    data = load_data("fashion-mnist", folder, validation=0)
    expected = FakeMnist(None, True, True).data
    assert torch.equal(data.train.images[:, 0], expected)
    downloads = FakeMnist.downloads
    assert len(load_data("fashion-mnist", folder, validation=0).test) == 10
    assert FakeMnist.downloads == downloads
    assert sorted(np.load(folder / "fashion-mnist.npz").files) == ["x_test", "x_train", "y_test", "y_train"]


@pytest.mark.parametrize("error", [OSError("no\nroute"), RuntimeError("Error downloading")])
def test_no_network_is_one_line_that_says_what_to_do(tmp_path, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", fail)
    with pytest.raises(UserError, match=r"cannot be downloaded .*put cifar10\.npz with x_train") as caught:
        load_data("cifar10", tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cifar10.npz").exists()
