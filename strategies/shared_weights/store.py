"""The weights that all networks of a problem share."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from search_space import Genotype, get_space
from strategies.supernet.data import epoch_seed


class SharedWeights:
    """Parameters by shared name; a network's own are their first rows and columns, in the same memory.

    What a space calls a part of its networks (`search_space.space.Space.shared_names`) decides what is shared; a
    part of a narrower network is a corner of the widest one's, as in "Once for All" (Cai et al., ICLR 2020). So a step
    of these moves every network.

    Weights come to be when the first network asks for them, initialised as the widest network's are, by ``seed``: the
    same networks in the same order begin alike.

    Examples:
        >>> from search_space import sample
        >>> shared = SharedWeights(seed=0)
        >>> first, second = (shared.network(sample("tiny-global", seed=1)) for _ in range(2))
        >>> all(a.data_ptr() == b.data_ptr() for a, b in zip(first.parameters(), second.parameters()))
        True
    """

    def __init__(self, seed: int, device: str = "cpu") -> None:
        self.seed, self.device = seed, device
        self.parameters: dict[str, nn.Parameter] = {}

    def network(self, genotype: Genotype) -> nn.Module:
        """The genotype's network, its parameters in the memory of the shared ones."""
        network = genotype.build(seed=0).to(self.device)  # its own weights give way at once
        names = _shared_names(genotype, network)
        self._create(genotype, names)
        for name, parameter in list(network.named_parameters()):
            _replace(network, name, nn.Parameter(self._corner(self.parameters[names[name]].data, parameter)))
        return network

    def begin_step(self) -> None:
        """Forgets the gradients."""
        for parameter in self.parameters.values():
            parameter.grad = None

    def add_gradients(self, genotype: Genotype, network: nn.Module) -> None:
        """Adds those of the genotype's network to those of the shared parameters; others have none."""
        names = _shared_names(genotype, network)
        for name, parameter in network.named_parameters():
            shared = self.parameters[names[name]]
            if parameter.grad is None:
                continue
            if shared.grad is None:
                shared.grad = torch.zeros_like(shared)
            self._corner(shared.grad, parameter).add_(parameter.grad)

    def with_gradients(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.parameters.values() if parameter.grad is not None]

    def state(self) -> dict[str, Tensor]:
        """By name, in the order in which they came to be."""
        return {name: parameter.detach() for name, parameter in self.parameters.items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        for name, values in state.items():
            self._add(name, values)

    def _create(self, genotype: Genotype, names: Mapping[str, str]) -> None:
        """What the genotype's network lacks, as wide as any network has it."""
        for maker in (_widest(genotype), genotype):
            missing = set(names.values()) - self.parameters.keys()
            if not missing:
                return
            network = maker.build(epoch_seed(self.seed, len(self.parameters)))
            made = _shared_names(maker, network)
            for name, parameter in network.named_parameters():
                if made[name] in missing:
                    self._add(made[name], parameter.detach())

    def _add(self, name: str, values: Tensor) -> None:
        self.parameters[name] = nn.Parameter(values.to(self.device).clone())

    @staticmethod
    def _corner(whole: Tensor, part: Tensor) -> Tensor:
        if any(own > there for own, there in zip(part.shape, whole.shape, strict=True)):
            raise ValueError(f"a weight of shape {tuple(part.shape)} is no corner of {tuple(whole.shape)}")
        return whole[tuple(slice(size) for size in part.shape)]


def _widest(genotype: Genotype) -> Genotype:
    """The same with every width at its largest: its weights hold those of all networks with these operations."""
    problem = genotype.problem
    space = get_space(problem.space)
    largest = {
        decision.label: max(decision.options)
        for decision in space.decisions(problem)
        if decision.label.rpartition("/")[2] in space.widths
    }
    return Genotype.of_choices(problem, space.choices(problem, genotype.architecture) | largest)


def _shared_names(genotype: Genotype, network: nn.Module) -> dict[str, str]:
    """By parameter's name in the network, its name among the shared ones."""
    parts = get_space(genotype.space).shared_names(genotype.problem, genotype.architecture)
    found = {}
    for name, _ in network.named_parameters():
        steps = name.split(".")
        owner = next(
            (".".join(steps[:n]) for n in range(len(steps), 0, -1) if ".".join(steps[:n]) in parts), None
        )
        if owner is None:
            raise ValueError(f"space {genotype.space} names no shared part for {name}")
        found[name] = f"{parts[owner]}:{name[len(owner) + 1 :]}"
    return found


def _replace(network: nn.Module, name: str, parameter: nn.Parameter) -> None:
    owner, _, own = name.rpartition(".")
    network.get_submodule(owner)._parameters[own] = parameter
