"""The configurations of MDEQ: those of its owners' public code, and one inferred from a row of the poster.

Source: the repository ``locuslab/deq``, folder MDEQ-Vision, June to October 2021, and its predecessor ``locuslab/mdeq``
of June 2021 for ``TINY_mdeq``; the systems: Bai, Koltun and Kolter, "Multiscale Deep Equilibrium Models", NeurIPS 2020,
and "Stabilizing Equilibrium Models by Jacobian Regularization", ICML 2021.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Jacobian:
    """The loss on the Jacobian's squared Frobenius norm.

    Args:
        weight: of the loss. share: of the training steps that have it.
        last: no training step after this one has it; None is all. grows_each: steps after which the weight grows by
            ``growth``; 0 is never.
        warm_up: the weight while f is unrolled.
    """

    weight: float
    share: float
    last: int | None = None
    growth: float = 0.0
    grows_each: int = 0
    warm_up: float = 0.0

    def weight_at(self, step: int, warming_up: bool) -> float:
        """The weight in training step ``step``, counted from 0."""
        if warming_up:
            return self.warm_up
        if self.last is not None and step > self.last:
            return 0.0
        return self.weight + (self.growth * (step // self.grows_each) if self.grows_each else 0.0)


@dataclass(frozen=True)
class Configuration:
    """One configuration.

    Args:
        channels: c of each scale, the finest first; each scale has half the height and width of the one before.
        head_channels: h of each scale in the head. final_channels: F, before the classifier.
        threshold, backward_threshold: the most steps of Broyden's method, forward and backward.
        dropout: rate of the variational dropout in f. warm_up_layers: how often f is unrolled without a solver.
        warm_up_steps: training steps that are so. large_images: whether the stem quarters the image, as on ImageNet.
        last_norms: whether the last norm of each scale in f has gain and bias. expansion: of the residual blocks.
        groups: of the group norms, of which the last ones in f have half. jacobian: the loss on it, or None.
    """

    channels: tuple[int, ...]
    head_channels: tuple[int, ...]
    final_channels: int
    threshold: int
    backward_threshold: int
    dropout: float
    warm_up_layers: int
    warm_up_steps: int
    large_images: bool = False
    last_norms: bool = False
    jacobian: Jacobian | None = None
    expansion: int = 5
    groups: int = 8

    @property
    def injects_convolution(self) -> bool:
        """Two scales and no quartering, TINY's, have no layer between stem and f."""
        return len(self.channels) > 2 or self.large_images


_WIDTHS = (32, 64, 128, 256)
_HEAD = (14, 28, 56, 112)
CONFIGURATIONS: dict[str, Configuration] = {
    "TINY": Configuration((24, 24), (8, 16), 200, 18, 20, 0.25, 10, 3_000),
    "TINY_mdeq": Configuration((24, 24), (8, 16), 200, 22, 24, 0.25, 10, 3_000, last_norms=True),
    "LARGE": Configuration(_WIDTHS, _HEAD, 1680, 18, 20, 0.3, 10, 20_000),
    # Until epoch 90, of 521 batches of 96 images.
    "LARGE_reg": Configuration(
        _WIDTHS, _HEAD, 1680, 8, 7, 0.22, 8, 16_000, jacobian=Jacobian(0.4, 0.02, last=90 * 521)
    ),
    "SMALL": Configuration(
        _WIDTHS, (24, 48, 96, 192), 2048, 26, 27, 0.0, 5, 510_000, large_images=True, last_norms=True
    ),
    "SMALL_reg": Configuration(
        _WIDTHS, (28, 56, 112, 224), 2048, 14, 14, 0.02, 5, 510_000, large_images=True,
        jacobian=Jacobian(2.5, 0.08, growth=0.1, grows_each=50_000, warm_up=0.03),
    ),
    # Not public: half of LARGE's widths and its first three scales. Equally near to the poster: TINY with four scales
    # (24 channels each, h of 8, 16, 32, 64, F of 1280), 1,093,122 parameters and 1,495,969,280 MACs.
    "LARGE_half": Configuration((16, 32, 64), (14, 28, 56), 840, 18, 20, 0.3, 10, 20_000),
}  # fmt: skip
