"""All options of a search, in one frozen record; the command line and the portal's form are made from its fields and
from those of the strategies."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

from execution.platform_check import check_platform
from execution.setting_texts import parse_size, parse_sizes
from execution.usual_settings import BUILT_IN, recipe_default, small_settings, space_default
from records.checks import parse_count, parse_milliseconds, shown
from records.errors import UserError
from records.options import Options, checked, option, parsed
from records.plugins import HINT
from search_space import get_space, space_names
from search_space.setting_text import parse_settings
from strategies.contract import MultiTrialStrategy
from strategies.registry import get_strategy, strategy_names, strategy_options
from strategies.screening.screened import SCORE_NAMES
from strategies.supernet.settings import SupernetSettings
from training.data.datasets import dataset_names, is_array_file, located
from training.device import real_device
from training.recipes.named import RECIPES
from training.trial_settings import ONNX, PYTORCH, TrialSettings

PLATFORMS = ("local", "remote", "kubernetes")
PORTAL = ("on", "off")
LATENCY = ("on", "off", "onnx")
PLACES = ("data_dir", "hosts", "cluster")  # files and folders that a user names
_OWN_CHECKS = ("strategy", "space", "dataset", "flip")  # whose errors say more
SIZES = ("width", "cells")
_MOST_CONFIRMED = 4
_LARGEST = 2**53 - 1  # NNI's JavaScript keeps no larger number whole


@dataclass(frozen=True, init=False)
class SearchSettings:
    """How a search is run. ``None`` leaves a value to the space, the recipe or the data set.

        SearchSettings(strategy="evolution", trials=8, population=4)

    The settings of the strategy (`strategies.registry`) are named like any other, here, in JSON and on the command
    line; ``own`` holds them as the strategy's own record. Raises `UserError`.

    Examples:
        >>> settings = SearchSettings(strategy="evolution", trials=8, population=4)
        >>> settings.population, settings.dataset, settings.max_macs
        (4, 'digits', None)
    """

    space: str = option("darts-global", "what is explored", choices=space_names)
    strategy: str = option(
        "nsga2", "how it is explored (`run_search.py strategies` tells of each)", choices=strategy_names
    )
    dataset: str = option(
        "digits",
        "images to classify: a name, or a file of arrays (my.npz)",
        choices=dataset_names,
        open_choices=True,
    )
    data_dir: str | None = option(
        None, "folder with <dataset>.npz, or the image folders", metavar="DIR", path=True
    )
    image_size: int | str | None = option(
        None, "what images in folders are scaled and cut to: a side, or HxW",
        unit="pixels", metavar="N|HxW", parse=parse_size, used=lambda: "the files' own, 224 at most",
    )  # fmt: skip
    channels: int | None = option(
        None, "1 (grey) or 3 (colour) for images in folders", metavar="C", used=lambda: "1 if all are grey"
    )
    flip: str | None = option(
        None, "on: training images are mirrored at random", metavar="on|off",
        used=lambda: "the data set's own; off for folder and my.npz",
    )  # fmt: skip
    width: int | str | None = option(
        None, "width of the networks; of several with commas, one is chosen", unit="channels", metavar="C", least=1,
        parse=parse_sizes, used=lambda: space_default("width"),
    )  # fmt: skip
    cells: int | str | None = option(
        None, "cells of the networks; of several with commas, one is chosen", unit="cells", metavar="L", least=1,
        parse=parse_sizes, used=lambda: space_default("cells"),
    )  # fmt: skip
    primitives: str | None = option(
        None, "operations to choose among, with commas", metavar="NAMES", used=lambda: "the space's own"
    )
    setting: str | None = option(
        None, "the space's own settings, lists with commas, such as `stages=3 widths=8,16`; may be given several "
        "times (`run_search.py spaces` lists all)", metavar="NAME=VALUE", repeated=True,
    )  # fmt: skip
    epochs: int | None = option(
        None, "training of each candidate", unit="epochs", metavar="E", least=1,
        used=lambda: recipe_default("epochs", SearchSettings.recipe),
    )  # fmt: skip
    trials: int = option(20, "candidates to train", unit="candidates", least=1)
    concurrency: int = option(2, "trials at the same time", unit="trials", metavar="M", least=1)
    max_macs: int | None = option(
        None, "budget: no candidate above it is trained", unit="MACs of one image, such as 20M", least=1,
        most=_LARGEST, parse=parse_count, metavar="MACS", used=lambda: "none",
    )  # fmt: skip
    max_params: int | None = option(
        None, "budget: no candidate above it is trained", unit="parameters, such as 300k", least=1, most=_LARGEST,
        parse=parse_count, metavar="PARAMS", used=lambda: "none",
    )  # fmt: skip
    max_latency: float | None = option(
        None, "budget: a candidate that takes longer is not trained; each trial measures it first",
        unit="milliseconds, such as 2ms", least=0.001, parse=parse_milliseconds, metavar="MS", used=lambda: "none",
    )  # fmt: skip
    latency: str = option(
        "off", "on: each trial measures the time of its network, on its device, by this project's kernels; onnx: of its "
        "exported file in ONNX Runtime", choices=lambda: LATENCY,
    )  # fmt: skip
    latency_batch: int = option(1, "of a measured latency", unit="images", least=1, most=4096)
    latency_threads: int = option(1, "of a measured latency", unit="threads of the CPU", least=1, most=256)
    seed: int = option(
        0,
        "decides candidates, weights, batches and the validation split",
        metavar="S",
        least=0,
        most=_LARGEST,
    )
    confirm: int | None = option(
        None, "points of the front that are trained again at the end, longer and by other seeds", unit="candidates",
        metavar="K", least=0, used=lambda: f"a fifth of the trials, {_MOST_CONFIRMED} at most",
    )  # fmt: skip
    confirm_seeds: int = option(3, "by how many other seeds", unit="seeds", metavar="N", least=1, most=1000)
    confirm_epochs: int | None = option(
        None, "for how long", unit="epochs", metavar="E", least=1, used=lambda: "twice the candidates'"
    )
    start_from: str | None = option(
        None, "run folder of an earlier search of the same space, image and classes: its candidates are shown to "
        "the strategy first, and not trained again", metavar="RUN", path=True, used=lambda: "none",
    )  # fmt: skip
    screen: int = option(
        0, "random architectures in each bin of MACs that are scored without training; the best are the first candidates",
        unit="architectures", metavar="N", least=0, most=10_000,
    )  # fmt: skip
    screen_score: str = option("synflow", "by which score", choices=lambda: SCORE_NAMES)
    screen_bins: int = option(4, "bins of equal ratios of MACs", unit="bins", metavar="B", least=1, most=100)
    screen_chosen: int = option(1, "of each bin", unit="candidates", metavar="K", least=1, most=10_000)
    run_dir: str | None = option(
        None, "run folder to make", metavar="DIR", path=True, used=lambda: "runs/<time>-<data set>-<strategy>"
    )
    port: int | None = option(
        None, "port of the portal; 0 takes a free one", metavar="P", least=0, most=65535,
        used=lambda: "8080, or a free one where that is taken",
    )  # fmt: skip
    portal: str = option(
        "on", "off: a one-shot search without NNI's portal (multi-trial searches run in it)",
        choices=lambda: PORTAL,
    )  # fmt: skip
    host: str | None = option(
        None, "address to show the portal on, behind a token; without it, this machine alone", metavar="HOST"
    )
    platform: str = option(
        "local",
        "where trials run: this machine, others over SSH (--hosts), or Kubernetes (--cluster)",
        choices=lambda: PLATFORMS,
    )
    hosts: str | None = option(
        None, "the machines of --platform remote, a TOML file", metavar="FILE", path=True
    )
    cluster: str | None = option(
        None, "the cluster of --platform kubernetes, a TOML file", metavar="FILE", path=True
    )
    train_limit: int | None = option(
        None, "use so many training images", unit="images", least=1, used=lambda: "all"
    )
    validation: float = option(
        0.2, "share of the training images held out to judge candidates", least=0.0, most=1.0
    )
    recipe: str = option("search", "how candidates are trained", choices=lambda: tuple(RECIPES))
    batch_size: int | None = option(
        None, "images a step", unit="images", least=1,
        used=lambda: f"{recipe_default('batch_size', SearchSettings.recipe)}, {SupernetSettings.batch_size} of a supernet",
    )  # fmt: skip
    learning_rate: float | None = option(
        None, "highest learning rate of a candidate", metavar="X",
        used=lambda: f"{recipe_default('learning_rate', SearchSettings.recipe)}; of a supernet always {SupernetSettings.learning_rate}",
    )  # fmt: skip
    device: str = option("auto", "cpu, cuda, cuda:N, or auto: a GPU where there is one")
    threads: int = option(0, "CPU threads a trial; 0 shares the cores among the trials", least=0, most=1024)
    own: Options = dataclasses.field(default=Options(), metadata={"own": True})

    def __init__(self, **given: Any) -> None:
        common = common_options()
        former = given.pop("own", None)
        for name, field in common.items():
            value = given.pop(name, field.default)
            if name in SIZES and isinstance(value, (str, os.PathLike, list, tuple)):
                value = parsed(
                    field, ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
                )
            if name not in _OWN_CHECKS:
                value = checked(field, value)
            object.__setattr__(self, name, value)
        if former is not None and not isinstance(former, Options):
            raise UserError(
                f"own is {shown(former)}; accepted: a strategy's settings, as these settings hold them"
            )
        kept = {} if former is None else dataclasses.asdict(former)
        object.__setattr__(self, "own", _own_settings(self.strategy, kept, given))
        for name, value in zip(("dataset", "data_dir"), located(self.dataset, self.data_dir), strict=True):
            object.__setattr__(self, name, value)
        if self.portal == "off" and not get_strategy(self.strategy).one_shot:
            raise UserError(f"portal is off with {self.strategy}; accepted: on, its trials run in NNI")
        self._check_multi_trial()
        check_platform(self)
        get_space(self.space).make_settings(self.space_settings())
        self.trial_settings()

    def __getattr__(self, name: str) -> Any:
        """The strategy's own settings by their names."""
        own = self.__dict__.get("own")
        if own is None or name not in {field.name for field in dataclasses.fields(own)}:
            raise AttributeError(f"{type(self).__name__} has no setting {name} with this strategy")
        return getattr(own, name)

    def _check_multi_trial(self) -> None:
        """What a supernet has no use for, whose candidates are known by their MACs; and what decides the first
        candidates itself."""
        if self.screen and (
            get_strategy(self.strategy).trains_here or getattr(get_strategy(self.strategy), "stages", False)
        ):
            raise UserError(
                f"screen is {self.screen} with strategy {self.strategy}; accepted: 0, it decides its first candidates "
                "itself"
            )
        if get_strategy(self.strategy).one_shot and self.start_from is not None:
            raise UserError(
                f"start_from is {shown(self.start_from)} with strategy {self.strategy}; accepted with "
                f"{', '.join(strategy_names(one_shot=False))}"
            )

    def space_settings(self) -> dict[str, Any]:
        """What was given of the space's own settings, by name; on digits a small network is the default."""
        one_shot = get_strategy(self.strategy).one_shot
        small = small_settings(self.space, self.dataset, one_shot=one_shot)
        given: dict[str, Any] = {
            name: [int(part) for part in value.split(",")] if isinstance(value, str) else value
            for name, value in ((name, getattr(self, name)) for name in SIZES)
        }
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
            # Elsewhere the trial decides (execution.trials.entry): this machine's GPUs and cores say nothing there.
            device=self.real_device() if self.platform == "local" else self.device,
            threads=self.threads or (self.own_threads() if self.platform == "local" else 0),
            latency=self.latency != "off" or self._strategy_measures_latency(),
            max_latency=self.max_latency,
            latency_runtime=ONNX if self.latency == ONNX else PYTORCH,
            latency_batch=self.latency_batch,
            latency_threads=self.latency_threads,
        )

    def _strategy_measures_latency(self) -> bool:
        strategy = get_strategy(self.strategy)
        return issubclass(strategy, MultiTrialStrategy) and strategy.measures_latency(self.own)

    def own_threads(self) -> int:
        """Threads of a trial here, this machine's cores shared out."""
        return max(1, (os.cpu_count() or 1) // self.concurrency)

    def real_device(self) -> str:
        """``device`` with ``auto`` decided."""
        return real_device(self.device)

    def confirmations(self) -> dict[str, int]:
        """What `execution.confirm.confirm` is asked for: ``points``, ``seeds``, ``epochs`` and ``at_once``."""
        points = min(_MOST_CONFIRMED, self.trials // 5) if self.confirm is None else self.confirm
        epochs = self.confirm_epochs or 2 * self.trial_settings().make_recipe().epochs
        here = self.platform == "local"  # elsewhere are neither the data nor the machines
        return {
            "points": points if here else 0, "seeds": self.confirm_seeds, "epochs": epochs, "at_once": self.concurrency,
        }  # fmt: skip

    def title(self) -> str:
        """What the portal calls the search."""
        return f"{self.space} on {self.dataset}, {self.strategy}"

    def to_json(self) -> dict[str, Any]:
        """All settings by name, the strategy's own among them."""
        common = {name: getattr(self, name) for name in common_options()}
        return common | dataclasses.asdict(self.own)

    def located(self) -> SearchSettings:
        """The same with whole paths, which mean the same wherever the run is taken up again."""
        given = {name: getattr(self, name) for name in PLACES}
        whole = {name: os.path.abspath(path) for name, path in given.items() if path is not None}
        return dataclasses.replace(self, **whole)

    def require_places(self) -> None:
        """Raises `UserError` for a file or folder of this machine that was named and is not there, data among them."""
        if self.platform == "local" and is_array_file(self.dataset):
            file = os.path.join(self.data_dir or "", self.dataset)
            if not os.path.exists(file):
                raise UserError(f"dataset {file} is not there; say where it is now with --dataset")
        for name in PLACES:
            path = getattr(self, name)
            elsewhere = name == "data_dir" and (self.platform != "local" or self.dataset == BUILT_IN)
            if path is not None and not elsewhere and not os.path.exists(path):
                raise UserError(
                    f"{name} {path} is not there; say where it is now with --{name.replace('_', '-')}"
                )

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> SearchSettings:
        """Raises `UserError`. What a record holds of other strategies is left out."""
        unknown = [name for name in record if name not in all_options()]
        if unknown:
            raise UserError(f"a search has no setting {', '.join(unknown)}; {HINT}")
        strategy = get_strategy(record.get("strategy", cls.strategy))
        named = {*common_options(), *(field.name for field in dataclasses.fields(strategy.Settings))}
        return cls(**{name: value for name, value in record.items() if name in named})


def common_options() -> dict[str, dataclasses.Field]:
    """What every search has, by name."""
    return {field.name: field for field in dataclasses.fields(SearchSettings) if "own" not in field.metadata}


def all_options() -> dict[str, dataclasses.Field]:
    """The settings of a search by name, those of every strategy among them."""
    common, own = common_options(), strategy_options()
    for name in common.keys() & own.keys():
        raise UserError(
            f"strategy {own[name][1][0]} has a setting {name}, which every search has; give it another name"
        )
    return common | {name: field for name, (field, _) in own.items()}


def has_option(strategy: str, name: str) -> bool:
    """Whether a search by ``strategy``, which need not be known, has a setting of that name."""
    of_strategies = strategy_options()
    return name not in of_strategies or strategy in of_strategies[name][1]


def parse_option(name: str, text: str) -> Any:
    """The value that ``text`` means for the setting ``name``. Raises `UserError`."""
    return parsed(all_options()[name], text)


def _own_settings(strategy: str, kept: dict[str, Any], given: dict[str, Any]) -> Options:
    """The record of the strategy's own settings. ``kept`` are values of a former record, of this strategy or another;
    of what is ``given``, another strategy's setting is accepted at its default alone, which changes nothing."""
    record = get_strategy(strategy).Settings
    own = {field.name for field in dataclasses.fields(record)}
    others = strategy_options()
    for name, value in given.items():
        if name in own:
            continue
        if name not in others:
            raise UserError(f"a search has no setting {shown(name)}; accepted: {', '.join(all_options())}")
        field, having = others[name]
        if checked(field, value) != field.default:
            raise UserError(
                f"{name} is {shown(value)}; accepted with strategy {', '.join(having)}, not with {strategy}"
            )
    return record(**{name: value for name, value in (kept | given).items() if name in own})
