"""The recipes by name: those of the published networks, a fast one, and the short one of a trial.

Published ones follow the authors' public scripts. Where these leave a number open, the line says "inferred".
"""

from __future__ import annotations

from typing import Any

from records.checks import shown
from records.errors import UserError
from training.recipes.recipe import Recipe

# 300 epochs of SGD with Nesterov momentum, the rate falling tenfold at 150 and 225; crop (padding 4), flip.
_CIFAR: dict[str, Any] = dict(epochs=300, learning_rate=0.1, schedule="steps", milestones=(0.5, 0.75))
_DARTS: dict[str, Any] = dict(
    epochs=300,
    batch_size=96,
    learning_rate=0.025,
    schedule="cosine",
    cutout=0.5,  # 16 of 32 pixels
    auxiliary_weight=0.4,
    clip_norm=5.0,
    drop_path=0.2,
)
_MNIST_BACKBONE: dict[str, Any] = dict(
    batch_size=128, learning_rate=0.01, weight_decay=5e-4, crop=0.0, clip_norm=5.0
)
_IMAGENET: dict[str, Any] = dict(
    batch_size=256,  # inferred
    learning_rate=0.048,  # inferred
    optimizer="rmsprop",
    weight_decay=1e-5,
    schedule="exponential",
    factor=0.97,  # inferred
    decay_every=2.4,
    warmup=3.0,
    randaugment=9,
    label_smoothing=0.1,
    drop_path=0.2,
    drop_path_by_depth=True,  # timm's, but for MobileNetV3's last convolution, which it counts as a block
    ema=0.999,
    bf16=True,
    channels_last=True,
)
# batch size, weight decay
_PUBLISHED_CIFAR = {
    "resnet": (128, 5e-5),
    "resnet-global": (32, 6e-5),
    "resnet-global-56": (32, 8e-5),
    "densenet": (64, 1e-4),
    "wide-resnet": (32, 1e-4),
    "wide-resnet-global": (32, 5e-5),
    "wide-resnet-global-5": (32, 8e-5),  # five steps instead of one
    "tiny-resnet-global": (32, 3e-5),
    "tiny": (32, 1e-4),  # the other tiny networks
}
_ONE_CYCLE: dict[str, Any] = dict(
    schedule="one-cycle",
    warmup=0.2,
    weight_decay=5e-4,
    label_smoothing=0.1,
    clip_norm=5.0,
    auxiliary_weight=0.4,
    bf16=True,
    channels_last=True,
)
_FAST: dict[str, Any] = dict(epochs=30, batch_size=128, learning_rate=0.2, **_ONE_CYCLE)

_ALL = [
    *(Recipe(name, batch_size=b, weight_decay=d, **_CIFAR) for name, (b, d) in _PUBLISHED_CIFAR.items()),
    Recipe("darts", weight_decay=3e-4, **_DARTS),
    Recipe("darts-global", weight_decay=8e-4, **_DARTS),
    Recipe(
        "mnist",
        epochs=160,
        batch_size=128,
        learning_rate=0.1,
        weight_decay=5e-5,
        schedule="steps",
        milestones=(60 / 160, 100 / 160, 140 / 160),
    ),
    # The rate would fall after epoch 60, which the authors' 30 epochs do not reach; their script names 200
    # epochs, too, in a comment. With these it falls three times.
    Recipe("mnist-backbone", epochs=30, schedule="constant", **_MNIST_BACKBONE),
    Recipe(
        "mnist-backbone-long",
        epochs=200,
        schedule="steps",
        milestones=(60 / 200, 120 / 200, 160 / 200),
        factor=0.2,
        **_MNIST_BACKBONE,
    ),
    Recipe("mobilenetv2", epochs=200, **_IMAGENET),
    Recipe("mobilenetv3", epochs=600, **_IMAGENET),
    Recipe("efficientnet", epochs=450, **_IMAGENET),
    # Convolutions by orthogonal updates; `fast-sgd` is the same without them. Measured in results/published.
    Recipe("fast", optimizer="muon", matrix_rate=0.25, matrix_decay=0.1, **_FAST),
    Recipe("fast-sgd", **_FAST),
    # A trial of a search: no compiling, which takes longer than such a training. On digits, 8 random
    # architectures of darts-global (width 8, 3 cells) had validation accuracies of 0.87 to 0.94, mean 0.91,
    # after 6.5 to 11.3 seconds of one busy CPU core.
    Recipe("search", epochs=3, batch_size=64, learning_rate=0.1, **_ONE_CYCLE),
]
RECIPES = {recipe.name: recipe for recipe in _ALL}

# The recipe of each published network by its name (``search_space.published_names()``), case aside. Those
# left out have none: the compared systems' papers train them otherwise than the paper that compares.
_OF_NETWORKS = {
    "resnet": ("ResNet-32", "ResNet-56"),
    "resnet-global": ("ResNet-Global",),
    "resnet-global-56": ("ResNet-56-Global", "ResNet-Global-Large"),
    "densenet": ("DenseNet", "DenseNet-Global", "DenseNet-Global-Large"),
    "wide-resnet": ("Wide-ResNet",),
    "wide-resnet-global": ("Wide-ResNet-Global", "Wide-ResNet-Global-Large"),
    "tiny-resnet-global": ("ResNet-Global-Tiny",),
    "tiny": (
        "ResNet-Tiny", "Wide-ResNet-Tiny", "Wide-ResNet-Global-Tiny", "DARTS-Tiny", "DARTS-Global-Tiny",
    ),
    "darts": ("DARTS",),
    "darts-global": ("DARTS-Global", "DARTS-Global-Biased", "DARTS-Global-Large"),
    "mnist": ("MNIST-ResNet", "MNIST-Global", "Neural-ODE"),
    "mnist-backbone": (
        "MNIST-Convolution", "MNIST-Residual", "MNIST-Residual-5", "MNIST-Global-Backbone",
    ),
    "mobilenetv2": ("MBV2", "MBV2-Global", "MBV2-Global-Public"),
    "mobilenetv3": ("MBV3", "MBV3-Global", "MBV3-Global-Public"),
    "efficientnet": ("EfficientNet-B0", "EfficientNet-B0-Global", "EfficientNet-B0-Global-Public"),
}  # fmt: skip
_BY_NETWORK = {network.lower(): recipe for recipe, names in _OF_NETWORKS.items() for network in names}


def get_recipe(name: str, **changes: Any) -> Recipe:
    """The recipe ``name`` with ``changes`` to its fields; those that are None change nothing."""
    if not isinstance(name, str) or name not in RECIPES:
        raise UserError(f"recipe is {shown(name)}; accepted: {', '.join(RECIPES)}")
    return RECIPES[name].replace(**{field: value for field, value in changes.items() if value is not None})


def published_recipe(network: str) -> Recipe:
    """The recipe that the published ``network`` (its name; case does not matter) was trained by."""
    if not isinstance(network, str) or network.lower() not in _BY_NETWORK:
        raise UserError(f"{network} has no published recipe; accepted: one of {', '.join(RECIPES)}")
    return RECIPES[_BY_NETWORK[network.lower()]]
