"""A supernet of shared weights whose front is found by NSGA-II, then trained from scratch."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from records.files import write_whole
from records.measurement import Measurement
from records.options import Options, option
from records.terminal import say
from search_space import Genotype, get_space
from search_space.sampling import random_genotype
from strategies.contract import MultiTrialStrategy, SpaceExhausted
from strategies.registry import register_strategy
from strategies.workplace import Workplace

if TYPE_CHECKING:
    from strategies.shared_weights.chosen import Chosen

EPOCHS = "supernet.jsonl"
CHECKPOINT = "checkpoints/shared.pt"


@dataclass(frozen=True)
class SupernetParetoSettings(Options):
    supernet_epochs: int = option(20, "training of the supernet", unit="epochs", metavar="E", least=1)
    networks: int = option(
        1, "networks of the supernet that are trained on each batch", unit="networks", metavar="N", least=1
    )
    judged: int = option(
        400, "networks that are judged on the supernet's weights", unit="networks", metavar="N", least=8
    )
    controls: int = option(
        4,
        "random architectures with the MACs of the front, trained like it at the end, to hold it against",
        unit="candidates",
        metavar="N",
        least=0,
    )


@register_strategy
class SupernetPareto(MultiTrialStrategy):
    """One supernet of which every network of the space is a part (`strategies.shared_weights`). Each batch trains a
    fair draw of networks. Then ``judged`` networks are judged on its weights, proposed by `nsga2` for accuracy and
    MACs. The candidates are points of their front, from the most accurate one on each as far from the others as can
    be, and last ``controls`` random ones of the same MACs.

    What it does before its first candidate is kept in the run folder: ``supernet.jsonl`` (a line an epoch),
    ``checkpoints/shared.pt``, ``judged.jsonl`` (a line a network) and ``chosen.json``.

    Examples:
        >>> SupernetPareto.Settings(judged=100).supernet_epochs
        20
    """

    name = "supernet-pareto"
    summary = "trains one supernet, finds its front of accuracy against MACs, and trains the front's points as trials"
    Settings = SupernetParetoSettings
    settings: SupernetParetoSettings
    repeats = False
    trains_here = True

    def __init__(self, problem: Any, seed: int, settings: Any = None, **budget: Any) -> None:
        super().__init__(problem, seed, settings, **budget)
        self.chosen: list[Chosen] | None = None

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

    def prepare(self, workplace: Workplace) -> None:
        import torch

        from strategies.shared_weights.chosen import CHOSEN, choose, extended, read_chosen, write_chosen
        from strategies.shared_weights.exploring import JUDGED, explore, read_judged
        from strategies.shared_weights.judge import Judge
        from strategies.shared_weights.settings import SharedTraining
        from strategies.shared_weights.training import train_shared

        path = workplace.folder / CHOSEN
        if path.is_file():
            self.chosen = read_chosen(path)
            if len(self.chosen) < workplace.trials:
                judged = read_judged(workplace.folder / JUDGED)
                self.chosen = extended(self.chosen, judged, workplace.trials)
                write_chosen(path, self.chosen)
            return
        if workplace.trial.threads:
            torch.set_num_threads(workplace.trial.threads)
        data = workplace.trial.load()
        batch = {} if workplace.trial.batch_size is None else {"batch_size": workplace.trial.batch_size}
        training = SharedTraining(
            epochs=self.settings.supernet_epochs, networks=self.settings.networks, seed=self.seed,
            device=workplace.trial.device, **batch,
        )  # fmt: skip
        records: list[dict[str, Any]] = []

        def on_epoch(record: dict[str, Any]) -> None:
            records.append(record)
            text = "".join(json.dumps(each) + "\n" for each in records)
            write_whole(workplace.folder / EPOCHS, text)
            if workplace.progress:
                say(
                    f"supernet: epoch {record['epoch']} of {training.epochs}, loss {record['loss']:.4f}, "
                    f"{record['seconds']:.1f} s"
                )

        shared = train_shared(
            self.problem, data, training, self.budget, workplace.folder / CHECKPOINT, on_epoch=on_epoch,
            progress=workplace.progress,
        )  # fmt: skip
        judge = Judge(shared, data)
        judged = explore(
            self.problem, judge, self.settings.judged, workplace.folder / JUDGED, seed=self.seed, budget=self.budget,
            progress=workplace.progress,
        )  # fmt: skip
        self.chosen = choose(
            judged, workplace.trials, min(self.settings.controls, workplace.trials // 2), seed=self.seed,
            budget=self.budget, accuracy=judge.accuracy,
        )  # fmt: skip
        write_chosen(path, self.chosen)

    def propose(self, index: int, results: Sequence[Measurement]) -> Genotype:
        if self.chosen is None:
            raise RuntimeError("the supernet is not trained yet: `prepare` comes first")
        if index >= len(self.chosen):
            raise SpaceExhausted(
                f"the supernet's networks gave {len(self.chosen)} candidates; --judged finds more"
            )
        genotype = self.chosen[index].genotype
        self.proposed.add(genotype.key())
        return genotype

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        return self.propose(len(self.proposed), results)
