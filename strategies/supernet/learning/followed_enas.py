"""NNI's ENAS, or a user's strategy derived from it, on today's Lightning.

NNI's ``ConcatLoader`` tells which of its loaders a batch is from by a third value, which Lightning 2.6 keeps to itself;
the module then takes the images' labels for the loader's name (nni 3.0, oneshot/pytorch/sampling.py). Here a batch
brings it along.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from strategies.nni_side.policies import policy_searches
from strategies.supernet.learning.followed import Followed, sort_parameters


class OneAfterTheOther:
    """The batches of several loaders as NNI's ENAS takes them: ``(batch, number, loader's number)``."""

    def __init__(self, *loaders: Any) -> None:
        self.loaders = loaders

    def __len__(self) -> int:
        return sum(map(len, self.loaders))

    def __iter__(self) -> Iterator[tuple[tuple[Tensor, Tensor], int, int]]:
        for place, loader in enumerate(self.loaders):
            for number, batch in enumerate(loader):
                yield batch, number, place


def mend(strategy: Any) -> Any:
    """``strategy`` itself, an object of NNI's ENAS."""
    policy_searches()  # before NNI makes one
    strategy.train_dataloader = lambda train, validation: OneAfterTheOther(train(), validation())
    return strategy


class FollowedEnas(Followed):
    """With the controller's optimiser in what a resume goes on with. What an epoch leaves over of rewards is not learned
    from: the buffer begins anew with each."""

    def __init__(self, module: Any, *rest: Any) -> None:
        super().__init__(module, *rest)
        sort_parameters(module.policy, module.policy.optim)

    def begin_epoch(self, epoch: int) -> None:
        super().begin_epoch(epoch)
        self.module._replay_buffer.reset()
        self.module._trajectory_counter = 0

    def extra_state(self) -> dict[str, Any]:
        return {"optimizer": self.module.policy.optim.state_dict()}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        self.module.policy.optim.load_state_dict(state["optimizer"])
