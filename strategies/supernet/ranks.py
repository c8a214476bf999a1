"""The processes that train one supernet together, each on its part of every batch, and what they exchange.

Gradients are added up here and not by torch's DistributedDataParallel: its reducer expects every parameter
to get a gradient in each backward pass, and a step of DARTS has two of them, for the logits alone and for the
weights alone. Lightning's strategy is kept for everything else (device, rank, precision).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn

# Nobody waits in vain for a process that died: whoever started them ends the others (see `execution.one_shot.processes`).
_PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class Ranks:
    """This process is number ``number`` of ``count``; one alone exchanges nothing and needs no group."""

    number: int = 0
    count: int = 1

    @property
    def every_nth(self) -> tuple[int, int]:
        """Of a batch, in the form that ``training.data.split.Split`` takes."""
        return self.number, self.count

    def share(self, size: int) -> float:
        """Of a batch of ``size`` images, how much is this process's; over all of them these add up to 1."""
        return len(range(self.number, size, self.count)) / size

    def add_gradients(self, parameters: Iterable[nn.Parameter], share: float) -> None:
        """Replaces each gradient by the sum over all processes, each weighted by its ``share``: where losses
        are means over a process's images, the gradient of the mean over the whole batch."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        whole = torch.cat([gradient.reshape(-1) for gradient in gradients]) * share
        dist.all_reduce(whole)
        for gradient, total in zip(
            gradients, whole.split([gradient.numel() for gradient in gradients]), strict=True
        ):
            gradient.copy_(total.view_as(gradient))

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes."""
        if self.count > 1:
            values = values.clone()
            dist.all_reduce(values)
        return values

    def copy_from_first(self, module: nn.Module) -> None:
        """Parameters and buffers become those of process 0."""
        if self.count > 1:
            for tensor in [*module.parameters(), *module.buffers()]:
                dist.broadcast(tensor.detach(), 0)

    def average_statistics(self, module: nn.Module) -> None:
        """Running means and variances of norms become their mean over all processes, each of which has
        normalised its own part of every batch."""
        if self.count > 1:
            for buffer in module.buffers():
                if buffer.is_floating_point():
                    dist.all_reduce(buffer)
                    buffer /= self.count

    def tell_all(self, value: float, device: torch.device) -> float:
        """The ``value`` of process 0; the others wait for it."""
        if self.count == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64, device=device)
        dist.broadcast(shared, 0)
        return float(shared)

    def require_equal(self, tensors: Sequence[Tensor], what: str) -> None:
        """Raises ``RuntimeError`` unless ``tensors`` are the same on all processes, to the last bit."""
        if self.count == 1:
            return
        mine = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
        all_of_them = [torch.empty_like(mine) for _ in range(self.count)]
        dist.all_gather(all_of_them, mine)
        for number, other in enumerate(all_of_them):
            if not torch.equal(other, mine):
                raise RuntimeError(f"{what} of process {number} are not those of process {self.number}")


ALONE = Ranks()


@contextmanager
def group(ranks: Ranks, meeting: Path, device: str) -> Iterator[None]:
    """While it lasts the processes can exchange tensors: over NCCL on GPUs, over gloo on a CPU.

    They find each other through the file ``meeting``, because torch's other ways listen on every address of
    the machine; their connections are kept to loopback for the same reason.
    """
    backend = "gloo" if device == "cpu" else "nccl"
    store = dist.FileStore(str(meeting), ranks.count)
    dist.init_process_group(
        backend, store=store, rank=ranks.number, world_size=ranks.count, timeout=_PATIENCE
    )
    try:
        yield
    finally:
        dist.destroy_process_group()


class _Environment(LightningEnvironment):
    """Tells Lightning that the processes are there already."""

    def __init__(self, ranks: Ranks) -> None:
        super().__init__()
        self.ranks = ranks

    @property
    def creates_processes_externally(self) -> bool:
        return True

    def world_size(self) -> int:
        return self.ranks.count

    def global_rank(self) -> int:
        return self.ranks.number

    def local_rank(self) -> int:
        return self.ranks.number


class SharedTraining(DDPStrategy):
    """Lightning's DDP without its reducer (see above)."""

    def __init__(self, ranks: Ranks) -> None:
        super().__init__(cluster_environment=_Environment(ranks), timeout=_PATIENCE)

    def configure_ddp(self) -> None:
        """The module is not wrapped."""


def trainer_options(ranks: Ranks, device: str) -> dict[str, Any]:
    """What Lightning's trainer is told about where it runs."""
    cuda = device.startswith("cuda")
    if ranks.count == 1:
        return {
            "accelerator": "gpu" if cuda else "cpu",
            "devices": [int(device.partition(":")[2] or 0)] if cuda else 1,
        }
    return {
        "accelerator": "gpu" if cuda else "cpu",
        "devices": ranks.count,
        "strategy": SharedTraining(ranks),
        "use_distributed_sampler": False,
    }
