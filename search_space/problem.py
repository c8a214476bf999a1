"""What is searched, as one value: a space with its settings, for images of a size and a number of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search_space.genotype import Genotype
from search_space.space import sample


@dataclass(frozen=True)
class Problem:
    """A space by name, its settings by name, ``image`` as (channels, height, width), ``classes``."""

    space: str
    settings: dict[str, Any]
    image: tuple[int, int, int]
    classes: int

    def sample(self, seed: int) -> Genotype:
        """An architecture drawn uniformly over the space's decisions."""
        return sample(self.space, seed, image=self.image, classes=self.classes, **self.settings)
