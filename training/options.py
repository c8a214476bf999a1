"""What a user may say of a training, by name: the options of `retrain` and `train`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from records.options import Options, option
from training.data.datasets import dataset_names
from training.device import real_device
from training.recipes.named import RECIPES, get_recipe

if TYPE_CHECKING:
    from training.retrain import RetrainSettings

_USUAL = "fast"


def _usual(name: str) -> str:
    return f"the recipe's, {getattr(RECIPES[_USUAL], name):g} in {_USUAL}"


@dataclass(frozen=True)
class TrainingOptions(Options):
    """``None`` leaves a value to the recipe, the data set or the genotype."""

    dataset: str = option(
        "digits",
        "a name of {" + ", ".join(dataset_names()) + "}, or a file of arrays (my.npz)",
        metavar="NAME",
    )
    data_dir: str | None = option(
        None, "folder with <dataset>.npz, or the image folders", metavar="DIR", path=True
    )
    image_size: str | None = option(
        None,
        "of images in folders: a side, or HxW",
        unit="pixels",
        metavar="N|HxW",
        used=lambda: "the genotype's",
    )
    channels: int | None = option(
        None, "of images in folders: 1 (grey) or 3 (colour)", metavar="C", used=lambda: "the genotype's"
    )
    flip: str | None = option(
        None,
        "on: training images are mirrored at random",
        metavar="on|off",
        used=lambda: "the data set's own",
    )
    recipe: str = option(_USUAL, "how it is trained", metavar="NAME", choices=lambda: tuple(RECIPES))
    epochs: int | None = option(
        None, "length of the training", unit="epochs", metavar="E", least=1, used=lambda: _usual("epochs")
    )
    batch_size: int | None = option(
        None, "images a step", unit="images", least=1, used=lambda: _usual("batch_size")
    )
    learning_rate: float | None = option(None, "highest learning rate", used=lambda: _usual("learning_rate"))
    validation: float = option(
        0.0, "share of the training images held out, for the curve over the epochs", least=0.0, most=1.0
    )
    train_limit: int | None = option(
        None, "use so many training images", unit="images", least=1, used=lambda: "all"
    )
    test_limit: int | None = option(
        None, "use so many test images", unit="images", least=1, used=lambda: "all"
    )
    seed: int = option(0, "decides weights and batches", metavar="S", least=0, most=2**53 - 1)
    device: str = option("auto", "cpu, cuda, cuda:N, or auto: a GPU where there is one")
    threads: int = option(0, "CPU threads; 0: all cores", least=0, most=1024)

    def settings(self) -> RetrainSettings:
        """The same, resolved."""
        from training.retrain import RetrainSettings

        recipe = get_recipe(
            self.recipe, epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate
        )
        return RetrainSettings(
            recipe=recipe,
            dataset=self.dataset,
            data_dir=self.data_dir,
            seed=self.seed,
            validation=self.validation,
            train_limit=self.train_limit,
            test_limit=self.test_limit,
            image_size=self.image_size,
            channels=self.channels,
            flip=self.flip,
            device=real_device(self.device),
            threads=self.threads,
        )
