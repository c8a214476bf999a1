"""A family as an NNI model space: one NNI choice for each decision. Importing this module imports NNI."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import nni
from nni.mutable import ensure_frozen, label_scope
from nni.nas.nn.pytorch import ModelSpace
from nni.nas.space import model_context
from torch import Tensor

from search_space.space import get_space


class FamilyModelSpace(ModelSpace):
    """The network of the space named ``space``; its mutables' labels are those of the space's decisions.

    Before it is frozen it is the network of every decision's first option. Arguments are plain JSON, so that
    NNI can write them down: settings by name, [channels, height, width], number of classes; give them by
    keyword. There are no weights shared among the options: it is for multi-trial searches.
    """

    def __init__(self, space: str, settings: dict[str, Any], image: list[int], classes: int) -> None:
        super().__init__()
        found = get_space(space)
        made = found.make_settings(settings)
        channels, rows, columns = image
        size = (channels, rows, columns)
        choices = {}
        for decision in found.decisions(made, size, classes):
            place, _, name = decision.label.rpartition("/")
            with label_scope(place) if place else nullcontext():  # NNI takes no "/" in a label itself
                mutable = nni.choice(name, list(decision.options))
            self.add_mutable(mutable)
            choices[decision.label] = ensure_frozen(mutable)
        self.genotype = found.genotype(made, size, classes, choices)
        self.network = self.genotype.build()
        self.arguments: dict[str, Any] = {
            "space": space, "settings": settings, "image": image, "classes": classes,
        }  # fmt: skip

    def freeze(self, sample: dict[str, Any]) -> FamilyModelSpace:
        """The network of the options in ``sample``, by label."""
        with model_context(sample):
            return type(self)(**self.arguments)

    def forward(self, x: Tensor) -> Any:
        return self.network(x)
