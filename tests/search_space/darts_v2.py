"""The published cell of DARTS' second-order search on CIFAR-10 (Liu, Simonyan and Yang, ICLR 2019)."""

from search_space import Genotype

_SEP, _SKIP, _POOL = "sep_conv_3x3", "skip_connect", "max_pool_3x3"
ARCHITECTURE = {
    "normal": [
        [[_SEP, 0], [_SEP, 1]],
        [[_SEP, 0], [_SEP, 1]],
        [[_SEP, 1], [_SKIP, 0]],
        [[_SKIP, 0], ["dil_conv_3x3", 2]],
    ],
    "reduction": [
        [[_POOL, 0], [_POOL, 1]],
        [[_SKIP, 2], [_POOL, 1]],
        [[_POOL, 0], [_SKIP, 2]],
        [[_SKIP, 2], [_POOL, 1]],
    ],
}


def darts_v2(width: int, cells: int, classes: int) -> Genotype:
    """The network of that cell for CIFAR."""
    return Genotype("darts-global", (3, 32, 32), classes, {"width": width, "cells": cells}, ARCHITECTURE)
