"""Steps of a supernet of single paths: weights along paths, architecture weights by how paths fare."""

from __future__ import annotations

import random
from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from strategies.supernet.data import epoch_seed
from strategies.supernet.distribution import Architecture, uniform
from strategies.supernet.learning.gradient import Batch, SupernetModule
from strategies.supernet.mixing.paths import Paths

_MEMORY = 0.9  # of the mean reward, from one step to the next


class PathsModule(SupernetModule):
    """The weights learn along one path a step, the cross entropy's gradient on training images. A path's reward is the
    accuracy in [0, 1] on a batch of validation images, normalised by the batch as in training, less

        ``mac_penalty`` * its MACs / expected MACs at the start.

    Paths come from a seed of the epoch, so that all processes that share a batch take the same. Subclasses say which
    path the weights learn along, and how rewards are learned from.
    """

    mixer: Paths

    def begin_epoch(self, epoch: int) -> None:
        super().begin_epoch(epoch)
        self.rng = random.Random(epoch_seed(self.settings.seed, epoch, 3))

    @abstractmethod
    def path_of_weights(self) -> Architecture:
        """The next one that the weights learn along."""

    def learn_weights(self, batch: Batch, batch_idx: int) -> Tensor:
        self.mixer.follow(self.table, self.path_of_weights())
        return super().learn_weights(batch, batch_idx)

    @torch.no_grad()
    def reward(self, path: Architecture, batch: Batch) -> float:
        """Over all processes."""
        self.mixer.follow(self.table, path)
        images, labels = batch
        output = self.training_module(images)
        logits = output[0] if isinstance(output, tuple) else output
        accuracy = (logits.argmax(1) == labels).double().mean()
        penalty = self.settings.mac_penalty * self.table.macs(path) / self.reference_macs
        reward = float(self.ranks.total(self.shares[1] * accuracy)) - penalty
        self.add_loss(torch.tensor(-reward * self.shares[1], device=images.device), learning=True)
        return reward


class RandomPathsModule(PathsModule):
    """Weights learn along uniformly random paths within the budget. Logits learn from paths of their own distribution:
    a step follows (reward - mean reward so far) * gradient of ln P(path), REINFORCE with a moving mean."""

    mean_reward: Tensor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("mean_reward", torch.tensor(float("nan"), dtype=torch.float64))
        self.chance = uniform(self.table)

    def path_of_weights(self) -> Architecture:
        return self.chance.sample(self.rng, self.budget)

    def learn_architecture(self, batch: Batch, batch_idx: int) -> None:
        optimizer: Any = self.architecture_optimizers()
        distribution = self.distribution()
        path = distribution.sample(self.rng, self.budget)
        reward = self.reward(path, batch)
        if torch.isnan(self.mean_reward):
            self.mean_reward.fill_(reward)
        loss = -(reward - float(self.mean_reward)) * distribution.log_probability(path)
        self.mean_reward.mul_(_MEMORY).add_((1 - _MEMORY) * reward)
        optimizer.zero_grad()
        torch.autograd.backward(loss, inputs=self.arch_parameters())
        optimizer.step()
