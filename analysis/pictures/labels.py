"""Labels beside points, placed so that they hide neither points nor each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Pixel = tuple[float, float]
_ANGLES = (0, 180, 45, 315, 135, 225, 90, 270, 20, 340, 160, 200, 65, 295, 115, 245)  # degrees, best first
_DISTANCES = (9, 16, 27, 42, 62, 88)  # pixels at 100 dots an inch


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; y grows upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: Box) -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, width) * max(0.0, height)

    def within(self, other: Box) -> bool:
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.bottom >= other.bottom
            and self.top <= other.top
        )

    @classmethod
    def around(cls, point: Pixel, radius: float) -> Box:
        return cls(point[0] - radius, point[1] - radius, point[0] + radius, point[1] + radius)


def place(
    anchors: Sequence[Pixel],
    sizes: Sequence[tuple[float, float]],
    points: Sequence[Pixel],
    area: Box,
    *,
    taken: Sequence[Box] = (),
    scale: float = 1.0,
) -> list[Box]:
    """A box for each label, near its anchor.

    Args:
        anchors: the points that are labelled, in pixels.
        sizes: (width, height) of each label, in pixels.
        points: what should not be hidden; anchors among them.
        area: where labels may stand.
        taken: boxes that must stay free.
        scale: dots an inch, in hundreds.

    Greedy: each takes the place that covers least of the labels before it, then of the points, then the
    nearest one. Deterministic.
    """
    hard = list(taken)
    dots, radius = np.asarray(points, dtype=float).reshape(-1, 2), 4 * scale
    found: list[Box] = []
    for anchor, size in zip(anchors, sizes, strict=True):
        best: tuple[float, Box] | None = None
        for distance in _DISTANCES:
            for rank, angle in enumerate(_ANGLES):
                box = _beside(anchor, size, distance * scale, angle)
                cost = 0.02 * rank + distance / 20
                cost += 0 if box.within(area) else 1000
                cost += 100 * sum(box.overlap(other) > 0 for other in hard)
                if best is not None and cost >= best[0]:
                    continue
                cost += 3 * _hidden(box, dots, radius)
                if best is None or cost < best[0]:
                    best = cost, box
        assert best is not None
        hard.append(best[1])
        found.append(best[1])
    return found


def _hidden(box: Box, points: np.ndarray, radius: float) -> int:
    """How many squares of that radius around ``points`` (K, 2) the box covers some of."""
    x, y = points[:, 0], points[:, 1]
    beside = (x + radius <= box.left) | (x - radius >= box.right)
    apart = (y + radius <= box.bottom) | (y - radius >= box.top)
    return int(np.count_nonzero(~(beside | apart)))


def _beside(anchor: Pixel, size: tuple[float, float], distance: float, angle: float) -> Box:
    """The label's box in that direction; its nearest side is ``distance`` away."""
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    x = (
        anchor[0]
        + distance * cosine
        + size[0] / 2 * (cosine if abs(cosine) < 0.5 else math.copysign(1, cosine))
    )
    y = anchor[1] + distance * sine + size[1] / 2 * (sine if abs(sine) < 0.5 else math.copysign(1, sine))
    return Box(x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2)
