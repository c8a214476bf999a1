"""What settings of the space and of the recipe are where a user leaves them open."""

from __future__ import annotations

from typing import Any

from search_space.cells import USUAL_EXTENT
from training.recipes.named import RECIPES

BUILT_IN = "digits"  # comes with the program, not from a folder
# Small networks are enough for the small images of digits; a supernet of cells has one size.
_SMALL_ON_DIGITS = {"width": [2, 4, 8, 16], "cells": [2, 3, 5]}
_SMALL_SUPERNET = {"width": 8, "cells": 3}
_SMALL_SPACE = "darts-global"
# A supernet of blocks has one size, too; their operators and squeezes are choices enough.
_SUPERNET_OF_BLOCKS = {
    "stem_widths": [8], "stem_strides": [1], "widths": [8], "depths": [2], "expansions": [3]
}  # fmt: skip


def small_settings(space: str, dataset: str, *, one_shot: bool) -> dict[str, Any]:
    """The sizes that a search takes where none are given: on digits small ones, elsewhere the space's own; of a supernet
    one size."""
    if space == "tiny-global" and one_shot:
        return dict(_SUPERNET_OF_BLOCKS)
    if space != _SMALL_SPACE or dataset != BUILT_IN:
        return {}
    return dict(_SMALL_SUPERNET if one_shot else _SMALL_ON_DIGITS)


def space_default(name: str) -> str:
    """A size where it is left open, in words."""
    small = ",".join(map(str, _SMALL_ON_DIGITS[name]))
    return f"{USUAL_EXTENT[name]} in {_SMALL_SPACE}, on digits {small}, {_SMALL_SUPERNET[name]} of a supernet"


def recipe_default(name: str, recipe: str) -> str:
    """A field of the recipe where it is left open, in words."""
    return f"{getattr(RECIPES[recipe], name):g} in the recipe {RECIPES[recipe].name}"
