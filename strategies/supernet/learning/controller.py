"""NNI's ENAS on today's Lightning: its controller, without its loader.

NNI's ``ConcatLoader`` gives batches in a form that its module takes apart wrongly under Lightning 2.6 ("too many
values to unpack", nni 3.0, oneshot/pytorch/sampling.py:195). Here both batches come in one step, as they do for
DARTS. Importing this module imports tianshou and gym, which the extra ``rl`` brings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import torch
from tianshou.data import ReplayBuffer
from torch import nn

from strategies.nni_side.policies import policy_searches
from strategies.supernet.distribution import Architecture, CellDistribution, uniform
from strategies.supernet.learning.gradient import Batch
from strategies.supernet.learning.reinforce import PathsModule

BATCHES_PER_UPDATE = 20  # as NNI has it; what an epoch leaves over is learned from at its end
_UPDATE = {"batch_size": 32, "repeat": 5}
_UPDATES = 5
_DRAWS = 512  # paths whose frequencies stand for the controller
_TRIES = 20


class EnasModule(PathsModule):
    """Weights learn along the controller's paths, and the controller from its paths' rewards.

    After each epoch the logits are set to what the controller's paths show: ln of the share of `_DRAWS` paths that
    have a pair, and of those that leave the edge out. What is derived comes from these as from any other strategy's.
    """

    def set_model(self, model: nn.Module) -> None:
        super().set_model(model)
        # Not a submodule: the weights' optimiser and device are not the controller's.
        made = policy_searches().TuningTrajectoryGenerator(model)
        # NNI gives the optimiser a set of parameters, whose order is another in each process; its state goes by order.
        policy = made.policy
        policy.optim = torch.optim.Adam(list(policy.parameters()), lr=policy.optim.defaults["lr"])
        object.__setattr__(self, "controller", made)
        self._renew()

    def _renew(self) -> None:
        self.buffer = ReplayBuffer(self.controller.expected_trajectory_length * BATCHES_PER_UPDATE)
        self.trajectories = 0

    def begin_epoch(self, epoch: int) -> None:
        super().begin_epoch(epoch)
        self._renew()

    def path_of_weights(self) -> Architecture:
        """The controller's next path within the budget; where it draws none, the cheapest."""
        self.controller.policy.eval()
        for _ in range(_TRIES):
            path = self._sample()
            if self.budget.allows(self.table.cost(path)):
                return path
        return uniform(self.table).derive_within(self.budget)

    def learn_architecture(self, batch: Batch, batch_idx: int) -> None:
        self.controller.policy.train()
        path = self._sample()
        excess = self.budget.excess(self.table.cost(path))
        # A path above the budget is not run: that it costs more than any accuracy is worth is what is learned.
        reward = -excess if excess > 1 else self.reward(path, batch)
        self.buffer.update(self.controller.send_reward(reward))
        self.trajectories += 1
        if self.trajectories == BATCHES_PER_UPDATE:
            self._update()

    def _update(self) -> None:
        if self.trajectories:
            self.controller.policy.train()
            with self._own_chance():
                for _ in range(_UPDATES):
                    self.controller.policy.update(0, self.buffer, **_UPDATE)
        self._renew()

    def _sample(self) -> Architecture:
        """The controller's next path."""
        with self._own_chance(), torch.no_grad():
            return self.table.architecture(self.controller.next_sample())

    @contextmanager
    def _own_chance(self) -> Iterator[None]:
        """tianshou draws from the global generators of torch and numpy; here they begin with a number of the epoch's
        own chance, and are put back."""
        before = np.random.get_state()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.rng.getrandbits(48))
            np.random.seed(self.rng.getrandbits(32))
            try:
                yield
            finally:
                np.random.set_state(before)

    def end_epoch(self) -> None:
        if self.trainer.current_epoch < self.warmup_epochs:
            return
        self._update()
        self.controller.policy.eval()
        shown = self.table.shown(self._many(_DRAWS))
        for node, rows in self.rows().items():
            for row, logits in zip(rows, shown[node], strict=True):
                with torch.no_grad():
                    row.copy_(logits)

    def notes(self) -> dict[str, Any]:
        """With the entropy, in nats, of what as many paths show that are drawn without a controller: less than equal
        weights have, for a node has few inputs and its later edges are left out more often."""
        return super().notes() | {"equal_entropy": self._entropy_of_chance}

    @cached_property
    def _entropy_of_chance(self) -> float:
        chance = np.random.default_rng(0)
        actions = np.stack(
            [chance.integers(limit, size=_DRAWS) for limit in self.controller.num_choices], axis=1
        )
        entropy = CellDistribution(self.table, self.table.shown(self._named(actions))).entropy()
        return math.fsum(entropy.values()) / len(entropy)

    def _many(self, count: int) -> list[dict[str, Any]]:
        """Samples of the controller, all drawn at once: one by one they take a second for each hundred steps."""
        generator, policy = self.controller, self.controller.policy
        choices, env = generator.num_choices, generator.env
        history = np.zeros((count, env.num_steps), dtype=np.int32)
        with self._own_chance(), torch.no_grad():
            for step, limit in enumerate(choices):
                seen = {
                    "action_history": torch.from_numpy(history),
                    "cur_step": torch.full((count,), step),
                    "action_dim": torch.full((count,), limit),
                }
                chances, _ = policy.actor(seen)
                history[:, step] = torch.multinomial(chances, 1)[:, 0].numpy()
        return self._named(history)

    def _named(self, history: np.ndarray) -> list[dict[str, Any]]:
        """Samples by their actions, a row of numbers each."""
        samples, generator = [], self.controller
        for actions in history:
            sample = {}
            for (label, _), action in zip(generator.search_labels, actions, strict=True):
                value = generator.simplified_space[label].values[int(action)]
                sample[label] = [value] if "/input_" in label else value
            samples.append(sample)
        return samples

    def extra_state(self) -> dict[str, Any]:
        policy = self.controller.policy
        state = {"controller": policy.state_dict(), "optimizer": policy.optim.state_dict()}
        return super().extra_state() | state

    def load_extra_state(self, state: dict[str, Any]) -> None:
        super().load_extra_state(state)
        self.controller.policy.load_state_dict(state["controller"])
        self.controller.policy.optim.load_state_dict(state["optimizer"])
