"""A supernet of shared weights whose front is found by NSGA-II, then trained from scratch."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from records.checks import shown
from records.errors import UserError
from records.files import write_whole
from records.interface.terminal import say
from records.measurement import Measurement
from records.options import Options, option
from records.run_files.shared_files import CHOSEN, EPOCHS, JUDGED, LATENCY_TABLE, LIKE
from search_space import Genotype, get_space
from search_space.sampling import random_genotype
from strategies.contract import MultiTrialStrategy, SpaceExhausted
from strategies.multi_trial.nsga2 import Nsga2, Nsga2Settings
from strategies.objectives import objectives_option, require_several
from strategies.registry import register_strategy
from strategies.workplace import Workplace

if TYPE_CHECKING:
    from strategies.shared_weights.chosen import Chosen
    from strategies.shared_weights.store import SharedWeights
    from training.data.loading import Data

_POPULATION = 40  # of the search over networks that are judged on shared weights
CHECKPOINT = "checkpoints/shared.pt"


@dataclass(frozen=True)
class SupernetParetoSettings(Options):
    objectives: str = objectives_option()
    supernet_epochs: int = option(20, "training of the supernet", unit="epochs", metavar="E", least=1)
    supernet_steps: int = option(
        2000, "it is trained for at least so many, in whole epochs: few images make few steps an epoch", unit="steps",
        metavar="N", least=1,
    )  # fmt: skip
    networks: int = option(
        1,
        "networks of the supernet that are trained on each batch",
        unit="networks",
        metavar="N",
        least=1,
        most=1000,
    )
    judged: int = option(
        2000,
        "networks that are judged on the supernet's weights",
        unit="networks",
        metavar="N",
        least=8,
        most=100_000,
    )
    controls: int = option(
        4,
        "random architectures with the MACs of the front, trained like it at the end, to hold it against",
        unit="candidates",
        metavar="N",
        least=0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if "accuracy" not in require_several(self.objectives):
            raise UserError(
                f"objectives is {shown(self.objectives)}; accepted by supernet-pareto: accuracy among them"
            )


@register_strategy
class SupernetPareto(MultiTrialStrategy):
    """One supernet of which every network of the space is a part (`strategies.shared_weights`). Each batch trains a
    fair draw of networks. Then ``judged`` networks are judged on its weights, proposed by `nsga2` for the objectives.
    Who is better is asked within bands of like costs only (`records.run_files.shared_files.LIKE`), as "Once for All"
    (Cai et al., ICLR 2020) searches once for each budget. Latencies, where these are limited or among the objectives, are
    predicted from those of operations (`strategies.shared_weights.latencies`); trials measure them. The candidates are the best of
    bands, first of the dearest one, each further one as far from the others as can be, and last ``controls`` random ones
    of the same MACs.

    What it does before its first candidate is kept in the run folder: ``supernet.jsonl`` (a line an epoch),
    ``checkpoints/shared.pt``, ``judged.jsonl`` (a line a network), ``chosen.json`` and, with latencies, ``latency_table.json``.

    Examples:
        >>> SupernetPareto.Settings(judged=100).supernet_epochs
        20
    """

    name = "supernet-pareto"
    summary = "trains one supernet, finds its front of accuracy against MACs, and trains the front's points as trials"
    Settings = SupernetParetoSettings
    settings: SupernetParetoSettings
    trains_here = True

    def __init__(self, problem: Any, seed: int, settings: Any = None, **budget: Any) -> None:
        super().__init__(problem, seed, settings, **budget)
        self.names = require_several(self.settings.objectives)
        self.chosen: list[Chosen] | None = None
        self._all_judged = False  # the space has no more within the budget

    @classmethod
    def measures_latency(cls, settings: SupernetParetoSettings) -> bool:
        return "latency" in require_several(settings.objectives)

    def example(self) -> Genotype:
        """A random network within the budget."""
        rng = random.Random(f"{self.seed} example")
        genotype = self.towards_budget(random_genotype(self.problem, rng.randrange(2**31)), rng)
        if not self.budget.allows(genotype.cost()):
            raise self.budget.error(self.problem.space, genotype.cost())
        get_space(self.problem.space).shared_names(
            self.problem, genotype.architecture
        )  # raises if it has none
        return genotype

    def check_kept(self, folder: Path) -> None:
        from strategies.shared_weights.chosen import read_chosen
        from strategies.shared_weights.exploring import read_judged

        if (folder / CHOSEN).is_file():
            read_chosen(folder / CHOSEN)
            read_judged(folder / JUDGED)

    def prepare(self, workplace: Workplace) -> None:
        from strategies.shared_weights.chosen import choose, extended, read_chosen, write_chosen
        from strategies.shared_weights.exploring import explore, read_judged
        from strategies.shared_weights.judge import Judge
        from training.device import kept_memory

        path, count = workplace.folder / CHOSEN, workplace.trials + len(self.earlier)
        if path.is_file():
            known, judged = read_chosen(path), read_judged(workplace.folder / JUDGED)
            if count > len(known) and not judged:
                raise UserError(
                    f"{workplace.folder / JUDGED} is missing or empty, from which more candidates come; accepted: at most "
                    f"{len(known)} trials"
                )
            self.chosen = extended(known, _fit(judged), count, self.names)
            self._all_judged = 0 < len(judged) < self.settings.judged
        else:
            latency = self._latency(workplace)  # before memory is kept: trials that measure it do not
            limit = workplace.trial.max_latency
            with kept_memory():
                data = workplace.trial.load()
                judge = Judge(self._train(workplace, data), data)
                judged = explore(
                    self._search(), judge, self.settings.judged, workplace.folder / JUDGED, progress=workplace.progress,
                    latency=latency, max_latency=limit,
                )  # fmt: skip
                self._all_judged = len(judged) < self.settings.judged
                fit = _fit(judged)
                if not fit:
                    fastest = min(m.latency for m in judged if m.latency is not None)
                    raise UserError(
                        f"no network of {self.problem.space} with at most {limit:g} ms was found, by the table of latencies; the "
                        f"fastest of {len(judged)} takes {fastest:.3g}: begin a new search with a larger --max-latency, or with less in --setting"
                    )
                self.chosen = choose(
                    fit, count, min(self.settings.controls, count // 2), seed=self.seed, budget=self.budget,
                    accuracy=judge.accuracy, names=self.names,
                )  # fmt: skip
        write_chosen(path, self.chosen)

    def _latency(self, workplace: Workplace) -> Callable[[Genotype], float] | None:
        """What predicts it, where it is an objective or limited."""
        if "latency" not in self.names and workplace.trial.max_latency is None:
            return None
        from strategies.shared_weights.latencies import latency_table

        table = latency_table(self.problem, workplace.trial, self.seed, workplace.folder / LATENCY_TABLE)
        return lambda genotype: table.predict(genotype.build(seed=0), self.problem.image)

    def _train(self, workplace: Workplace, data: Data) -> SharedWeights:
        import torch

        from strategies.shared_weights.settings import SharedTraining
        from strategies.shared_weights.training import train_shared
        from training.data.split import steps_per_epoch

        trial = workplace.trial
        if trial.threads:
            torch.set_num_threads(trial.threads)
        batch = SharedTraining().batch_size if trial.batch_size is None else trial.batch_size
        enough = math.ceil(self.settings.supernet_steps / steps_per_epoch(len(data.train), batch))
        training = SharedTraining(
            epochs=max(self.settings.supernet_epochs, enough), networks=self.settings.networks, seed=self.seed,
            device=trial.device, batch_size=batch,
        )  # fmt: skip
        records: list[dict[str, Any]] = []

        def on_epoch(record: dict[str, Any]) -> None:
            records.append(record | {"epochs": training.epochs})
            write_whole(workplace.folder / EPOCHS, "".join(json.dumps(each) + "\n" for each in records))
            if workplace.progress:
                seconds = f"{record['seconds']:.1f} s"
                say(
                    f"supernet: epoch {record['epoch']} of {training.epochs}, loss {record['loss']:.4f}, {seconds}"
                )

        return train_shared(
            self.problem, data, training, self.budget, workplace.folder / CHECKPOINT, on_epoch=on_epoch,
            progress=workplace.progress,
        )  # fmt: skip

    def _search(self) -> Nsga2:
        """What proposes the networks that are judged on shared weights."""
        population = max(2, min(_POPULATION, self.settings.judged // 4))
        budget = {"max_macs": self.budget.max_macs, "max_params": self.budget.max_params}
        settings = Nsga2Settings(population=population, objectives=self.settings.objectives)
        search = Nsga2(self.problem, self.seed, settings, **budget)
        search.bands = LIKE
        return search

    def propose(self, index: int, results: Sequence[Measurement]) -> Genotype:
        if self.chosen is None:
            raise RuntimeError("the supernet is not trained yet: `prepare` comes first")
        known = {Genotype.from_json(result.genotype).key() for result in self.earlier}
        left = [each.genotype for each in self.chosen if each.genotype.key() not in known]
        if index >= len(left):
            more = "it has no more" if self._all_judged else "--judged finds more"
            raise SpaceExhausted(
                f"no architecture of {self.problem.space} is left: the supernet gave {len(left)}; {more}"
            )
        for place, result in enumerate(results):
            if result.genotype != left[place].to_json():
                raise UserError(
                    f"{CHOSEN} is damaged: network {place} is not candidate {result.index}, which was measured"
                )
        self.proposed.add(left[index].key())
        return left[index]

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        return self.propose(len(results), results)


def _fit(judged: Sequence[Measurement]) -> list[Measurement]:
    """Those that were judged: not the ones that are too slow."""
    return [measurement for measurement in judged if measurement.status == "ok"]
