"""Policy-based reinforcement learning (Zoph and Le, ICLR 2017), NNI's own, over the space's decisions."""

from __future__ import annotations

import copy
import functools
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from records.measurement import Measurement
from records.options import Options, option
from search_space import Genotype, get_space
from search_space.sampling import random_genotype
from strategies.contract import MultiTrialStrategy
from strategies.extras import RL
from strategies.nni_side.policies import policy_searches
from strategies.registry import register_strategy

# How NNI's PolicyBasedRL trains its policy at each update.
_UPDATE: dict[str, Any] = {"batch_size": 32, "repeat": 5, "update_times": 5}

_SAMPLES = 20  # of the policy, before a random architecture is drawn instead


@dataclass(frozen=True)
class RlSettings(Options):
    update_every: int = option(
        10, "results between two updates of the policy", unit="candidates", metavar="N", least=1
    )
    policy_rate: float = option(1e-3, "learning rate of the policy", least=0.0)


@register_strategy
class Rl(MultiTrialStrategy):
    """NNI's PolicyBasedRL: a policy (an LSTM, trained by PPO) chooses decision after decision; its reward is the
    accuracy. Where twenty samples of it are all known, for it has settled, an architecture is drawn at random.

    A result is shown to it as the decisions of the architecture that was trained, so also where that was led into
    the budget, and where it came from an earlier run. Weights, samples and updates are decided by the seed, the
    candidate's index and the number of results: a resume computes the same policy again from the results. Failed
    candidates are left out. It needs the optional part ``rl`` of the installation.
    """

    name = "rl"
    summary = (
        "trains a policy that chooses the decisions (NNI's PolicyBasedRL), each candidate trained as a trial"
    )
    Settings = RlSettings
    settings: RlSettings
    extra = RL

    def __init__(self, problem: Any, seed: int, settings: Any = None, **budget: Any) -> None:
        super().__init__(problem, seed, settings, **budget)
        self.space = get_space(problem.space)
        self.options = {d.label: d.options for d in self.space.decisions(problem)}
        self._shown = self._rewarded = 0

    @cached_property
    def _nni(self) -> Any:
        return policy_searches()

    @cached_property
    def _generator(self) -> Any:
        from strategies.nni_side.space import DecisionSpace

        # By their places, for a space's options may be lists.
        places = DecisionSpace({label: range(len(options)) for label, options in self.options.items()})
        make = functools.partial(self._nni.default_policy_fn, lr=self.settings.policy_rate)
        with _seeded(f"{self.seed} policy"):
            generator = self._nni.TuningTrajectoryGenerator(places, make)
        generator.policy.train()
        return generator

    @cached_property
    def _replay(self) -> Any:
        from tianshou.data import ReplayBuffer

        return ReplayBuffer(len(self.options) * self.settings.update_every)

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        for result in results[self._shown :]:
            if result.accuracy is not None:
                self._show(result)
        self._shown = max(self._shown, len(results))
        for _ in range(_SAMPLES):
            with _seeded(str(rng.getrandbits(64))):
                places = self._generator.next_sample()
            choices = {label: self.options[label][place] for label, place in places.items()}
            genotype = Genotype.of_choices(self.problem, choices)
            if genotype.key() not in self.proposed:
                return genotype
        return random_genotype(self.problem, rng.randrange(2**31))

    def _show(self, result: Measurement) -> None:
        choices = self.space.choices(self.problem, Genotype.from_json(result.genotype).architecture)
        actions = [self.options[label].index(choices[label]) for label, _ in self._generator.search_labels]
        assert result.accuracy is not None
        self._replay.update(self._trajectory(actions, result.accuracy))
        self._rewarded += 1
        if self._rewarded % self.settings.update_every == 0:
            with _seeded(f"{self.seed} update {self._rewarded}"):
                for _ in range(_UPDATE["update_times"]):
                    self._generator.policy.update(0, self._replay, **_UPDATE)

    def _trajectory(self, actions: Sequence[int], reward: float) -> Any:
        """The way of these actions through NNI's environment, rewarded at its end."""
        from tianshou.data import Batch, ReplayBuffer

        environment = self._nni.TuningEnvironment(self._generator.num_choices)
        found = ReplayBuffer(len(actions))
        before, _ = environment.reset()
        before = copy.deepcopy(before)
        for action in actions:
            after, _, ended, cut, _ = environment.step(action)
            after = copy.deepcopy(after)
            found.add(
                Batch(
                    obs=before, act=action, rew=reward if ended else 0.0, terminated=ended, truncated=cut,
                    done=ended, obs_next=after, info={}, policy={},
                )
            )  # fmt: skip
            before = after
        return found


@contextmanager
def _seeded(text: str) -> Iterator[None]:
    """While it lasts, torch's and numpy's generators, which tianshou draws from, are decided by ``text``."""
    import numpy as np
    import torch

    seed = random.Random(text).getrandbits(32)
    before = np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            np.random.seed(seed)
            yield
    finally:
        np.random.set_state(before)
