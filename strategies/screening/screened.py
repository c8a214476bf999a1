"""A strategy whose first candidates are the best of many by a training-free score."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from records.interface.terminal import say, say_share
from records.measurement import Measurement
from records.run_files.json_lines import append_line
from records.run_files.scored import SCORED, Scored, identity, read_scored
from search_space import Genotype
from strategies.contract import MultiTrialStrategy, Stage
from strategies.screening.drawing import bin_of, draw
from strategies.workplace import Workplace

SCORE_NAMES = ("synflow", "naswot")  # `scores` imports torch
_IMAGES = 32


@dataclass(frozen=True)
class Screen:
    """``count`` architectures are scored in each of ``bins`` of MACs; the ``chosen`` best of each by ``score`` are the
    first candidates."""

    count: int
    score: str = "synflow"
    bins: int = 4
    chosen: int = 1


class Screened(MultiTrialStrategy):
    """``strategy`` as it is, after the best of each bin of MACs, which it is shown as those of an earlier search.

    The best of each bin come first, by rising MACs, then the second of each, and so on. Every score of every
    architecture, also of those that ``strategy`` proposes later, is kept in the run folder's ``scored.jsonl``.
    """

    name = "screened"
    summary = "another strategy, after the best of many by a training-free score"

    def __init__(self, strategy: MultiTrialStrategy, screen: Screen) -> None:
        super().__init__(
            strategy.problem, strategy.seed, strategy.settings, max_macs=strategy.budget.max_macs,
            max_params=strategy.budget.max_params, epochs=strategy.epochs,
        )  # fmt: skip
        self.strategy, self.screen = strategy, screen
        self.name = strategy.name  # type: ignore[misc]  # whose faults are its own
        self.earlier = strategy.earlier
        self.first: list[Genotype] = []
        self._file: Path | None = None
        self._limits: list[float] = []
        self._scored: dict[str, Scored] = {}
        self._images: Any = None

    def example(self) -> Genotype:
        return self.strategy.example()

    def check_kept(self, folder: Path) -> None:
        read_scored(folder)
        self.strategy.check_kept(folder)

    def prepare(self, workplace: Workplace) -> None:
        self.strategy.prepare(workplace)
        self._file = workplace.folder / SCORED
        self._scored = {each.identity: each for each in read_scored(workplace.folder)}
        data = workplace.trial.load()
        self._images = next(iter(data.train.batches(min(_IMAGES, len(data.train)))))[0]
        if workplace.progress:
            wanted = self.screen.count * self.screen.bins
            say(f"drawing up to {wanted} architectures, to score them without training")
        drawn, self._limits = draw(self.strategy, self.screen.count, self.screen.bins)
        new = any(identity(genotype.to_json()) not in self._scored for _, genotype in drawn)
        telling = workplace.progress and new
        bar = tqdm(drawn, desc="scored without training", unit="network", disable=None if telling else True)
        ranked: list[list[tuple[float, int, Genotype]]] = [[] for _ in range(self.screen.bins)]
        for order, (place, genotype) in enumerate(bar):
            value = self._score(genotype, place).scores[self.screen.score]
            ranked[place].append((float("-inf") if value is None else value, -order, genotype))
            if telling:
                say_share("scored without training", order + 1, len(drawn), "architectures")
        for each in ranked:
            each.sort(key=lambda entry: entry[:2], reverse=True)
        self.first = [
            each[rank][2] for rank in range(self.screen.chosen) for each in ranked if rank < len(each)
        ]
        self.strategy.proposed |= {genotype.key() for genotype in self.first}
        if workplace.progress:
            say(
                f"scored without training: {len(drawn)} architectures; the {len(self.first)} best by "
                f"{self.screen.score} in their bins of MACs come first"
            )

    def propose(self, index: int, results: Sequence[Measurement]) -> Genotype:
        own = len(self.first)
        if index < own:
            genotype = self.first[index]
        else:
            shown = results[:own]
            self.strategy.start_from([*self.earlier, *shown])
            genotype = self.strategy.propose(index - own, results[own:])
        self.proposed.add(genotype.key())
        if self._file is not None:
            self._score(genotype, bin_of(genotype.cost().macs, self._limits))
        return genotype

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        return self.strategy.draw(rng, results)

    def stage(self, index: int) -> Stage | None:
        return None

    def _score(self, genotype: Genotype, place: int) -> Scored:
        """From the file, or computed and written there."""
        from strategies.screening.scores import SCORES

        assert self._file is not None
        record = Scored(genotype.to_json(), genotype.cost().macs, place, {}, 0.0)
        if record.identity not in self._scored:
            started = time.perf_counter()
            scores = {name: score(genotype.build(self.seed), self._images) for name, score in SCORES.items()}
            record = replace(record, scores=scores, seconds=round(time.perf_counter() - started, 3))
            append_line(self._file, record.to_json())
            self._scored[record.identity] = record
        return self._scored[record.identity]
