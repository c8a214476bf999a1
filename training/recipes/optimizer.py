"""The optimisers that recipes name, and the running average of a model's weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from training.recipes.muon import Muon
from training.recipes.recipe import Recipe


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser of ``recipe`` over all parameters of ``model``, at the recipe's highest learning rates."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "sgd":
        # fused: one kernel over all tensors; cells are made of hundreds of small ones
        return torch.optim.SGD(
            parameters,
            rate,
            momentum=recipe.momentum,
            nesterov=recipe.momentum > 0,
            weight_decay=decay,
            fused=True,
        )
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, rate, (recipe.momentum, 0.999), weight_decay=decay, fused=True)
    if recipe.optimizer == "muon":
        return Muon(
            parameters,
            learning_rate=rate,
            matrix_learning_rate=rate * recipe.matrix_rate,
            momentum=recipe.momentum,
            weight_decay=decay,
            matrix_decay=recipe.matrix_decay,
        )
    return torch.optim.RMSprop(
        parameters, rate, alpha=0.9, eps=recipe.rmsprop_eps, momentum=recipe.momentum, weight_decay=decay
    )


def rates_on(optimizer: torch.optim.Optimizer, device: torch.device | None) -> None:
    """Keeps the learning rates on ``device``, where a recorded step reads them; None: as plain numbers."""
    for group in optimizer.param_groups:
        rate = float(group["lr"])
        group["lr"] = rate if device is None else torch.tensor(rate, device=device)
        if "capturable" in group:
            group["capturable"] = device is not None


def set_rates(optimizer: torch.optim.Optimizer, rates: Sequence[float]) -> None:
    """Sets each group's learning rate where it is kept."""
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


class Average:
    """Exponential moving average of a model's parameters and floating buffers; whole-number buffers are
    taken over as they are. Plain tensors by name, as a checkpoint holds them; `torch.optim.swa_utils.AveragedModel`
    would be a copy of the whole network, with its hooks."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._lead = get_ema_multi_avg_fn(decay)
        self.tensors: dict[str, Tensor] = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        state = model.state_dict()
        floating = [name for name, tensor in state.items() if tensor.is_floating_point()]
        self._lead([self.tensors[name] for name in floating], [state[name] for name in floating], None)
        for name in state.keys() - floating:
            self.tensors[name].copy_(state[name])

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        for name, tensor in model.state_dict().items():
            tensor.copy_(self.tensors[name])

    @contextmanager
    def applied_to(self, model: nn.Module) -> Iterator[None]:
        """Within the context the model has the averaged weights, afterwards its own again."""
        own = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        self.copy_to(model)
        try:
            yield
        finally:
            with torch.no_grad():
                for name, tensor in model.state_dict().items():
                    tensor.copy_(own[name])
