"""The recipes by name: those of the published networks, a fast one, and the short one of a search's trials."""

from __future__ import annotations

from typing import Any

from search_space.errors import UserError
from training.recipe import Recipe

_CIFAR = dict(epochs=300, learning_rate=0.1, schedule="steps", milestones=(0.5, 0.75))
_DARTS = dict(
    epochs=600,
    batch_size=96,
    learning_rate=0.025,
    schedule="cosine",
    cutout=0.5,
    auxiliary_weight=0.4,
    clip_norm=5.0,
    drop_path=0.2,
)


def _recipes() -> list[Recipe]:
    # PLACEHOLDER
    return [
        Recipe(
            "search",
            epochs=5,
            batch_size=64,
            learning_rate=0.1,
            weight_decay=3e-4,
            schedule="one-cycle",
            warmup=0.2,
            clip_norm=5.0,
            auxiliary_weight=0.4,
        ),
    ]


RECIPES = {recipe.name: recipe for recipe in _recipes()}


def get_recipe(name: str, **changes: Any) -> Recipe:
    """The recipe ``name`` with ``changes`` to its fields; those that are None change nothing."""
    if name not in RECIPES:
        raise UserError(f"unknown recipe {name!r}; known are {', '.join(RECIPES)}")
    return RECIPES[name].replace(**{field: value for field, value in changes.items() if value is not None})
