"""Judges networks on shared weights: norms recalibrated, then validation accuracy."""

from __future__ import annotations

import itertools

import torch
from torch import nn

from pde_ops.cpu.training.kernels import put_kernels
from search_space import Genotype
from strategies.shared_weights.store import SharedWeights
from training.data.loading import Data
from training.device import give_back_memory
from training.evaluate import evaluate

CALIBRATION_IMAGES = 512
_BATCH = 128
_GIVE_BACK = 10  # networks after which free memory goes back: kept for ever it would be gigabytes


class Judge:
    """Validation accuracy of networks on the weights that they share.

    Running means and variances of batch norms are of no network while many are trained. They are found anew for each
    one from ``calibration`` training images, as in "Single Path One-Shot Neural Architecture Search with Uniform
    Sampling" (Guo et al., ECCV 2020).
    """

    def __init__(self, shared: SharedWeights, data: Data, calibration: int = CALIBRATION_IMAGES) -> None:
        self.shared, self.data, self._judged = shared, data, 0
        batches = data.train.batches(_BATCH)
        self._images = [images for images, _ in itertools.islice(batches, -(-calibration // _BATCH))]

    def meet(self, genotype: Genotype) -> None:
        """Takes in the weights of a network that was judged before: those that no training had met are drawn in the
        order in which networks come, so that what follows is what would have been."""
        self.shared.network(genotype)

    def accuracy(self, genotype: Genotype) -> float:
        """In [0, 1]."""
        assert self.data.validation is not None  # the settings of a search hold images out
        self._judged += 1
        if self._judged % _GIVE_BACK == 0:
            give_back_memory()
        network = self.shared.network(genotype)
        self.calibrate(network)
        if self.shared.device == "cpu":
            put_kernels(network)  # it lives for this
        return evaluate(network, self.data.validation)

    @torch.no_grad()
    def calibrate(self, network: nn.Module) -> None:
        """Brings ``network``'s norms in line with the images, and leaves it in eval mode."""
        norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over all batches
        network.train()
        for images in self._images:
            network(images)
        network.eval()
