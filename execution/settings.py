"""All options of a search, in one frozen record; the command line is made from its fields.

Each field's metadata: ``help``, and where they apply ``unit``, ``choices`` and ``used`` (functions, so that naming
them costs nothing until asked: the values there are; what is used where the default is None) and ``parse`` (text to
value).
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from records.checks import shown, whole_number
from records.errors import UserError
from records.setting_types import plain_value
from search_space import get_space, space_names
from search_space.setting_text import parse_settings
from strategies.kinds import MULTI_TRIAL, ONE_SHOT, STRATEGIES
from strategies.one_shot.settings import SupernetSettings
from training.data.datasets import dataset_names, located, sides
from training.recipes.named import RECIPES
from training.trial import TrialSettings

PLATFORMS = ("local", "remote", "kubernetes")
PORTAL = ("on", "off")
PLACES = ("data_dir", "hosts", "cluster")  # files and folders that a user names
_OWN_CHECKS = ("dataset", "flip")  # which accept a path, and name their words
_MOST = {
    "seed": 2**53 - 1,
    "max_macs": 2**53 - 1,
    "threads": 1024,
}  # NNI's JavaScript keeps no larger number whole
_USUAL_MOST = 2**31 - 1
_SUFFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def parse_count(text: str) -> int:
    """A count such as ``20M``, ``1.5G``, ``300k`` or ``12345``. Raises `UserError`."""
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([kmg]?)\s*", text, re.IGNORECASE)
    if match is None:
        raise UserError(f"{shown(text)} is no count; accepted: a number with k, M or G, such as 20M")
    return round(float(match[1]) * _SUFFIXES[match[2].lower()])


def parse_size(text: str) -> int | str:
    """An image size such as ``28``, or ``28x32``, height first. Raises `UserError`."""
    height, width = sides(text)
    return height if height == width else f"{height}x{width}"


def _option(default: Any, help: str, **more: Any) -> Any:
    return dataclasses.field(default=default, metadata={"help": help, **more})


# A small network is enough for the small images of digits.
_BUILT_IN = "digits"  # comes with the program, not from a folder
SMALL_ON_DIGITS = {"width": 8, "cells": 3}
_SMALL_SPACE = "darts-global"


def _space_default(name: str) -> str:
    """What a setting of the space is where it is left open."""
    usual = getattr(get_space(_SMALL_SPACE).Settings(), name)
    return f"{usual} in {_SMALL_SPACE}, on digits {SMALL_ON_DIGITS[name]}"


def _recipe_default(name: str) -> str:
    """What a field of the recipe is where it is left open."""
    recipe = RECIPES[SearchSettings.recipe]
    return f"{getattr(recipe, name):g} in the recipe {recipe.name}"


def _space_names() -> tuple[str, ...]:
    return space_names()


@dataclass(frozen=True)
class SearchSettings:
    """How a search is run. ``None`` leaves a value to the space, the recipe or the data set."""

    space: str = _option("darts-global", "what is explored", choices=_space_names)
    strategy: str = _option(
        "evolution",
        "how it is explored: evolution and random train each candidate as a trial in NNI's portal; darts "
        "trains one supernet and derives candidates from it",
        choices=lambda: STRATEGIES,
    )
    dataset: str = _option(
        "digits", "images to classify: a name, or a file of arrays (my.npz)", choices=dataset_names
    )
    data_dir: str | None = _option(None, "folder with <dataset>.npz, or the image folders", metavar="DIR")
    image_size: int | str | None = _option(
        None, "what images in folders are scaled and cut to: a side, or HxW",
        unit="pixels", metavar="N", parse=parse_size, used=lambda: "the files' own, 224 at most",
    )  # fmt: skip
    channels: int | None = _option(
        None, "1 (grey) or 3 (colour) for images in folders", metavar="C", used=lambda: "1 if all are grey"
    )
    flip: str | None = _option(
        None, "on: training images are mirrored at random", metavar="on|off",
        used=lambda: "the data set's own; off for folder and my.npz",
    )  # fmt: skip
    width: int | None = _option(
        None, "width of the networks", unit="channels", metavar="C", used=lambda: _space_default("width")
    )
    cells: int | None = _option(
        None, "cells of the networks", unit="cells", metavar="L", used=lambda: _space_default("cells")
    )
    primitives: str | None = _option(
        None, "operations to choose among, with commas", metavar="NAMES", used=lambda: "the space's own"
    )
    setting: str | None = _option(
        None, "the space's own settings, lists with commas, such as `stages=3 widths=8,16`; may be given several "
        "times (`run_search.py spaces` lists all)", metavar="NAME=VALUE", repeated=True,
    )  # fmt: skip
    epochs: int | None = _option(
        None, "training of each candidate", unit="epochs", metavar="E", used=lambda: _recipe_default("epochs")
    )
    trials: int = _option(20, "candidates to train", unit="candidates", metavar="N")
    concurrency: int = _option(2, "trials at the same time", unit="trials", metavar="M")
    max_macs: int | None = _option(
        None, "budget: no candidate above it is trained", unit="MACs of one image, such as 20M",
        parse=parse_count, metavar="MACS", used=lambda: "none",
    )  # fmt: skip
    mac_penalty: float = _option(
        0.0,
        "price of MACs. darts adds it, times expected MACs over those at the start, to the architecture's "
        "loss; evolution selects by accuracy less it times MACs over the first candidates' mean",
        metavar="X",
    )
    seed: int = _option(0, "decides candidates, weights, batches and the validation split", metavar="S")
    run_dir: str | None = _option(
        None, "run folder to make", metavar="DIR", used=lambda: "runs/<time>-<data set>-<strategy>"
    )
    port: int | None = _option(
        None, "port of the portal; 0 takes a free one", metavar="P",
        used=lambda: "8080, or a free one where that is taken",
    )  # fmt: skip
    portal: str = _option(
        "on", "off: a one-shot search without NNI's portal (multi-trial searches run in it)",
        choices=lambda: PORTAL,
    )  # fmt: skip
    host: str | None = _option(
        None, "address to show the portal on, behind a token; without it, this machine alone", metavar="HOST"
    )
    platform: str = _option(
        "local",
        "where trials run: this machine, others over SSH (--hosts), or Kubernetes (--cluster)",
        choices=lambda: PLATFORMS,
    )
    hosts: str | None = _option(None, "the machines of --platform remote, a TOML file", metavar="FILE")
    cluster: str | None = _option(None, "the cluster of --platform kubernetes, a TOML file", metavar="FILE")
    train_limit: int | None = _option(
        None, "use so many training images", unit="images", metavar="N", used=lambda: "all"
    )
    validation: float = _option(0.2, "share of the training images held out to judge candidates")
    recipe: str = _option("search", "how candidates are trained", choices=lambda: tuple(RECIPES))
    batch_size: int | None = _option(
        None, "images a step", unit="images", metavar="N",
        used=lambda: f"{_recipe_default('batch_size')}, {SupernetSettings.batch_size} of a supernet",
    )  # fmt: skip
    learning_rate: float | None = _option(
        None, "highest learning rate of a candidate", metavar="X",
        used=lambda: f"{_recipe_default('learning_rate')}; of a supernet always {SupernetSettings.learning_rate}",
    )  # fmt: skip
    population: int = _option(8, "evolution: living candidates", unit="candidates", metavar="N")
    tournament: int = _option(3, "evolution: candidates drawn, the best becomes a parent", metavar="N")
    supernet_epochs: int = _option(20, "darts: training of the supernet", unit="epochs", metavar="E")
    device: str = _option("auto", "cpu, cuda, cuda:N, or auto: a GPU where there is one")
    devices: int | None = _option(
        None, "darts: processes that share each batch of the supernet, a GPU each; by default all local GPUs, "
        "on a CPU one", metavar="N",
    )  # fmt: skip
    threads: int = _option(0, "CPU threads a trial; 0 shares the cores among the trials", metavar="N")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if field.name not in _OWN_CHECKS:
                object.__setattr__(self, field.name, plain_value(field, getattr(self, field.name)))
        for name, value in zip(("dataset", "data_dir"), located(self.dataset, self.data_dir), strict=True):
            object.__setattr__(self, name, value)
        for name, least in (
            ("trials", 1), ("concurrency", 1), ("seed", 0), ("population", 2), ("tournament", 1),
            ("supernet_epochs", 1), ("threads", 0),
        ):  # fmt: skip
            self._whole(name, least)
        if self.port is not None:
            self._whole("port", 0)
        for name in ("width", "cells", "epochs", "max_macs", "train_limit", "batch_size", "devices"):
            if getattr(self, name) is not None:
                self._whole(name, 1)
        if self.port is not None and self.port > 65535:
            raise UserError(f"port is {self.port}; accepted: 0 to 65535")
        for name, accepted in (("strategy", STRATEGIES), ("space", space_names()), ("portal", PORTAL)):
            if getattr(self, name) not in accepted:
                raise UserError(f"unknown {name} {getattr(self, name)!r}; accepted: {', '.join(accepted)}")
        if self.portal == "off" and self.strategy in MULTI_TRIAL:
            raise UserError(f"portal is off with {self.strategy}; accepted: on, its trials run in NNI")
        self._check_platform()
        if not 0 <= self.mac_penalty < float("inf"):
            raise UserError(f"mac_penalty is {self.mac_penalty:g}; accepted: 0 (off) or more")
        get_space(self.space).make_settings(self.space_settings())
        self.trial_settings()

    def _check_platform(self) -> None:
        if self.platform not in PLATFORMS:
            raise UserError(f"unknown platform {self.platform!r}; accepted: {', '.join(PLATFORMS)}")
        for name, platform in (("hosts", "remote"), ("cluster", "kubernetes")):
            if (getattr(self, name) is not None) != (self.platform == platform):
                raise UserError(
                    f"platform is {self.platform} and {name} {getattr(self, name)!r}; --{name} FILE goes with "
                    f"--platform {platform}, and is needed there"
                )
        if self.platform == "local":
            return
        if self.strategy in ONE_SHOT:
            raise UserError(
                f"strategy {self.strategy} has no trials to send away; accepted with platform {self.platform}: "
                f"{', '.join(MULTI_TRIAL)}"
            )
        if self.data_dir is not None and not os.path.isabs(self.data_dir):
            raise UserError(
                f"data_dir is {self.data_dir!r}; with platform {self.platform} it is a folder where trials run, "
                "so an absolute path is accepted alone"
            )

    def _whole(self, name: str, least: int) -> None:
        whole_number(name, getattr(self, name), least, _MOST.get(name, _USUAL_MOST))

    def space_settings(self) -> dict[str, Any]:
        """What was given of the space's own settings, by name; on digits a small network is the default."""
        small = SMALL_ON_DIGITS if self.space == _SMALL_SPACE and self.dataset == _BUILT_IN else {}
        given: dict[str, Any] = {"width": self.width, "cells": self.cells}
        if self.primitives is not None:
            given["primitives"] = [name.strip() for name in self.primitives.split(",")]
        given = {name: value for name, value in given.items() if value is not None}
        own = parse_settings(self.space, self.setting)
        for name in own.keys() & given.keys():
            raise UserError(f"{name} is given as --{name} and in --setting; accepted: one of them")
        known = [field.name for field in dataclasses.fields(get_space(self.space).Settings)]
        for name in given:
            if name not in known:
                raise UserError(
                    f"{self.space} has no setting {name}; accepted with --setting NAME=VALUE: "
                    f"{', '.join(known) or 'none'}"
                )
        return small | given | own

    def trial_settings(self) -> TrialSettings:
        """How each candidate is judged."""
        return TrialSettings(
            dataset=self.dataset,
            data_dir=None if self.data_dir is None else os.path.abspath(self.data_dir),
            recipe=self.recipe,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            validation=self.validation,
            train_limit=self.train_limit,
            image_size=self.image_size,
            channels=self.channels,
            flip=self.flip,
            seed=self.seed,
            # Elsewhere the trial decides (trial_entry.py): this machine's GPUs and cores say nothing there.
            device=self.real_device() if self.platform == "local" else self.device,
            threads=self.threads or (self.own_threads() if self.platform == "local" else 0),
        )

    def own_threads(self) -> int:
        """Threads of a trial here, this machine's cores shared out."""
        return max(1, (os.cpu_count() or 1) // self.concurrency)

    def real_device(self) -> str:
        """``device`` with ``auto`` decided."""
        if self.device != "auto":
            return self.device
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    def title(self) -> str:
        """What the portal calls the search."""
        return f"{self.space} on {self.dataset}, {self.strategy}"

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def located(self) -> SearchSettings:
        """The same with whole paths, which mean the same wherever the run is taken up again."""
        given = {name: getattr(self, name) for name in PLACES}
        whole = {name: os.path.abspath(path) for name, path in given.items() if path is not None}
        return dataclasses.replace(self, **whole)

    def require_places(self) -> None:
        """Raises `UserError` for a file or folder of this machine that was named and is not there."""
        for name in PLACES:
            path = getattr(self, name)
            elsewhere = name == "data_dir" and (self.platform != "local" or self.dataset == _BUILT_IN)
            if path is not None and not elsewhere and not os.path.exists(path):
                raise UserError(
                    f"{name} {path} is not there; say where it is now with --{name.replace('_', '-')}"
                )

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> SearchSettings:
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = [name for name in record if name not in known]
        if unknown:
            raise UserError(f"a search has no setting {', '.join(unknown)}")
        return cls(**record)


def option_names() -> list[str]:
    """The names of a search's settings."""
    return [field.name for field in dataclasses.fields(SearchSettings)]


def option(name: str) -> dataclasses.Field:
    """The setting of that name."""
    return {field.name: field for field in dataclasses.fields(SearchSettings)}[name]


def option_parser(field: dataclasses.Field) -> Callable[[str], Any]:
    """Text to value: the field's own parser, or the one of its type. It raises ``ValueError``."""
    plain = {"int": int, "float": float}.get(str(field.type).split(" ")[0], str)
    return field.metadata.get("parse", plain)


def parse_option(name: str, text: str) -> Any:
    """The value that ``text`` means for the setting ``name``. Raises `UserError`."""
    field = option(name)
    try:
        return option_parser(field)(text)
    except UserError as error:
        raise UserError(f"{name}: {error}") from error
    except ValueError as error:
        raise UserError(f"{name} is {text!r}; accepted: {field.type}".replace(" | None", "")) from error
