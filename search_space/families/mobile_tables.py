"""The stages of the mobile networks, and the settings of a global layer in each.

Blocks: table 2 of Sandler et al. 2018 (MobileNetV2), table 1 of Howard et al. 2019 (MobileNetV3-Large),
table 1 of Tan and Le 2019 (EfficientNet-B0).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One row of a table.

    Args:
        channels, kernel, stride: of the stage; the stride is the first block's.
        expansions: of each published block; 0 is a depthwise-separable convolution.
        squeeze: whether blocks have squeeze-and-excitation.
        activation: of the blocks; "" is the network's.
        global_expansion: of the inverted residual that is a global layer's Init.
        global_activation: of the global layer; "" is the blocks'.
        dt, step, diffusivity: of the global layer; ``step`` is dx = dy, in pixels.
        product: whether its velocities have the product form.
    """

    channels: int
    kernel: int
    stride: int
    expansions: tuple[float, ...]
    squeeze: bool = False
    activation: str = ""
    global_expansion: float = 6.0
    global_activation: str = ""
    dt: float = 0.2
    step: int = 1
    diffusivity: float = 1.0
    product: bool = False


@dataclass(frozen=True)
class Network:
    """Stem and head channels, activation, kind of squeeze; ``late``: channels of the layer after pooling."""

    stem: int
    stages: tuple[Stage, ...]
    last: int
    activation: str
    squeeze: str = ""
    late: int = 0


MOBILENET_V2 = Network(
    stem=32,
    stages=(
        Stage(16, 3, 1, (0,), global_activation="relu"),
        Stage(24, 3, 2, (6,) * 2, global_activation="relu"),
        Stage(32, 3, 2, (6,) * 3, global_activation="relu"),
        Stage(64, 3, 2, (6,) * 4, global_activation="relu"),
        Stage(96, 3, 1, (6,) * 3),
        Stage(160, 3, 2, (6,) * 3),
        Stage(320, 3, 1, (6,)),
    ),
    last=1280,
    activation="relu6",
)

MOBILENET_V3 = Network(
    stem=16,
    stages=(
        Stage(16, 3, 1, (0,), activation="relu", global_expansion=3.0),
        Stage(24, 3, 2, (4, 3), activation="relu", global_expansion=3.0),
        Stage(40, 5, 2, (3,) * 3, squeeze=True, activation="relu", global_expansion=3.0, product=True),
        Stage(80, 3, 2, (6, 2.5, 2.3, 2.3), product=True),
        Stage(112, 3, 1, (6,) * 2, squeeze=True, product=True),
        Stage(160, 5, 2, (6,) * 3, squeeze=True, product=True),
    ),
    last=960,
    activation="hard-swish",
    squeeze="of-expanded",
    late=1280,
)

EFFICIENTNET_B0 = Network(
    stem=32,
    stages=(
        Stage(16, 3, 1, (0,), squeeze=True, product=True),
        Stage(24, 3, 2, (6,) * 2, squeeze=True, product=True, dt=0.1, diffusivity=2.0),
        Stage(40, 5, 2, (6,) * 2, squeeze=True, product=True, dt=0.1, diffusivity=2.0, step=2),
        Stage(80, 3, 2, (6,) * 3, squeeze=True, product=True),
        Stage(112, 5, 1, (6,) * 3, squeeze=True, product=True),
        Stage(192, 5, 2, (6,) * 4, squeeze=True, product=True),
        Stage(320, 3, 1, (6,), squeeze=True, product=True),
    ),
    last=1280,
    activation="silu",
    squeeze="of-input",
)
