"""How architectures are expected to end, the untrained ones too, by what the trainings so far tell."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from records.measurement import Measurement
from search_space import Genotype, get_space
from strategies.objectives import ranked, usable

LEAST = 6  # results, before it forecasts
_OWN = 0.5  # of what a whole training came to beyond the model, so much is the architecture's and not chance
_DIGITS = 6  # of a forecast: how another processor rounds must not decide
_SHRINKAGE = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # in whole trainings
_Row = dict[str, float]


class Forecast:
    """Of accuracy after a whole training of ``epochs`` epochs, and of latency where that is among the objectives
    ``names``.

    The model is a ridge regression on `features`, shrunk as far as predicts left-out results best, and a constant for
    each length of training: a short training tells how architectures differ, a long one how far all come. A result
    weighs as its epochs, for accuracies after few of them are noisy. To what the model says of an architecture that was trained, half of what its training came to beyond it
    is added, and less where that was short.
    """

    def __init__(self, names: Sequence[str], epochs: int) -> None:
        self.names, self.epochs = names, epochs
        self._results: list[Measurement] = []
        # Each architecture with a result, as it is expected to end.
        self._ends: dict[int, tuple[Measurement, Genotype]] = {}
        self._models: dict[str, _Model] = {}
        self._read: dict[int, tuple[Measurement, Genotype]] = {}
        self._features: dict[str, _Row] = {}

    @property
    def ready(self) -> bool:
        """Whether enough is known."""
        return bool(self._models)

    def learn(self, results: Sequence[Measurement]) -> None:
        """Takes these for all that is known."""
        results = [m for m in results if usable(m, self.names)]
        if results == self._results:
            return
        self._results, self._models = results, {}
        if len(results) < LEAST:
            return
        rows = [self._row(self._genotype(m), self._length(m)) for m in results]
        weights = [self._length(m) / self.epochs for m in results]
        self._models["accuracy"] = _Model(rows, [m.accuracy or 0.0 for m in results], weights)
        if "latency" in self.names:
            logarithms = [math.log(m.latency or 1.0) for m in results]
            self._models["latency"] = _Model(rows, logarithms, weights)
        longest = {self._genotype(m).key(): m for m in sorted(results, key=self._length)}
        ends = self.of(list(longest.values()))
        self._ends = {
            id(end): (end, self._genotype(m)) for end, m in zip(ends, longest.values(), strict=True)
        }

    def of(self, measurements: Sequence[Measurement]) -> list[Measurement]:
        """The same with the accuracies that their architectures are expected to reach; as they are while it is not
        ready."""
        if not self.ready or not measurements:
            return list(measurements)
        genotypes = [self._genotype(m) for m in measurements]
        then = self._models["accuracy"].predict(
            [self._row(g, self._length(m)) for g, m in zip(genotypes, measurements, strict=True)]
        )
        found = []
        for m, now, end in zip(measurements, then, self._predicted("accuracy", genotypes), strict=True):
            own = _OWN * self._length(m) / self.epochs * ((m.accuracy or 0.0) - now)
            found.append(dataclasses.replace(m, accuracy=round(end + own, _DIGITS)))
        return found

    def best(self, count: int) -> list[Genotype]:
        """So many of the architectures with a result, by the non-dominated ranks that they are expected to have."""
        ends = [end for end, _ in self._ends.values()]
        best = sorted(ranked(ends, self.names), key=lambda each: each.order)[:count]
        return [self._ends[id(each.measurement)][1] for each in best]

    def most_promising(self, pool: Sequence[Genotype]) -> Genotype:
        """The one of ``pool``, of which none was trained, that is expected to rank best beside those that were."""
        values = {"accuracy": self._predicted("accuracy", pool)}
        if "latency" in self.names:
            values["latency"] = [math.exp(each) for each in self._predicted("latency", pool)]
        guesses = [
            _guess(genotype, {name: round(each[place], _DIGITS) for name, each in values.items()})
            for place, genotype in enumerate(pool)
        ]
        own = {id(guess): genotype for guess, genotype in zip(guesses, pool, strict=True)}
        ends = [end for end, _ in self._ends.values()]
        places = [each for each in ranked([*ends, *guesses], self.names) if id(each.measurement) in own]
        return own[id(min(places, key=lambda each: each.order).measurement)]

    def _predicted(self, name: str, genotypes: Sequence[Genotype]) -> list[float]:
        """After the longest training that there was: the constant of that is the same for all."""
        longest = max(self._length(m) for m in self._results)
        return self._models[name].predict([self._row(genotype, longest) for genotype in genotypes])

    def _length(self, measurement: Measurement) -> int:
        return measurement.epochs or self.epochs

    def _row(self, genotype: Genotype, epochs: int) -> _Row:
        key = genotype.key()
        if key not in self._features:
            self._features[key] = features(genotype)
        return {**self._features[key], f"until {epochs}": 1.0}

    def _genotype(self, measurement: Measurement) -> Genotype:
        known = self._read.get(id(measurement))
        if known is None or known[0] is not measurement:
            known = self._read[id(measurement)] = (measurement, Genotype.from_json(measurement.genotype))
        return known[1]


class _Model:
    """The regression of ``values`` on ``rows``, each with its weight."""

    def __init__(self, rows: Sequence[_Row], values: Sequence[float], weights: Sequence[float]) -> None:
        from sklearn.feature_extraction import DictVectorizer
        from sklearn.linear_model import RidgeCV

        self.columns, self.ridge = DictVectorizer(sparse=False), RidgeCV(_SHRINKAGE)
        with _one_thread():
            self.ridge.fit(self.columns.fit_transform(rows), values, sample_weight=weights)

    def predict(self, rows: Sequence[_Row]) -> list[float]:
        if not rows:
            return []
        with _one_thread():
            return self.ridge.predict(self.columns.transform(rows)).tolist()


def _one_thread() -> Any:
    """While it lasts linear algebra has one thread: beside trials, which have the others, more wait for each other."""
    return _libraries().limit(limits=1, user_api="blas")


@cache
def _libraries() -> Any:
    from threadpoolctl import ThreadpoolController  # scikit-learn's own

    return ThreadpoolController()


def features(genotype: Genotype) -> _Row:
    """An architecture in numbers: the logarithms of its MACs and parameters; the mean logarithm of each kind of size
    (width, depth, expansion) in all of it and in each group of decisions, a cell or a stage; how often each option of
    another kind stands in all of it, and its share of each group.

    Which block has which option is left out: some tens of trainings cannot tell that, and what they tell of groups
    predicts better without (`results/strategies`).

    Examples:
        >>> from search_space import sample
        >>> found = features(sample("darts-global", 0, image=(1, 8, 8), width=4, cells=2, primitives=["skip_connect"]))
        >>> found["op=skip_connect"], found["normal/op=skip_connect"], round(found["log MACs"], 1)
        (16.0, 1.0, 10.4)
    """
    problem, cost = genotype.problem, genotype.cost()
    space = get_space(genotype.space)
    choices, idle = space.choices(problem, genotype.architecture), space.idle(problem, genotype.architecture)
    found = {"log MACs": math.log(max(1, cost.macs)), "log parameters": math.log(max(1, cost.params))}
    counts: Counter[str] = Counter()
    for decision in space.decisions(problem):
        if decision.label not in idle:
            group, kind = decision.label.partition("/")[0], _kind(decision.label)
            name, value = _valued(decision.options, choices[decision.label])
            for place in {kind, f"{group}/{kind}"}:
                counts[place] += 1
                found[place + name] = found.get(place + name, 0.0) + value
    for name in found.keys() - {"log MACs", "log parameters"}:
        place, _, option = name.partition("=")
        if not option or "/" in place:
            found[name] /= counts[place]
    return found


def _kind(label: str) -> str:
    """``op`` of ``normal/op_2_0``."""
    return label.rpartition("/")[2].rstrip("_0123456789")


def _valued(options: Sequence[Any], chosen: Any) -> tuple[str, float]:
    """A size's logarithm, or 1 beside the name of the option that was chosen."""
    sizes = all(isinstance(each, int | float) and not isinstance(each, bool) and each > 0 for each in options)
    return ("", math.log(chosen)) if sizes else (f"={chosen}", 1.0)


def _guess(genotype: Genotype, values: dict[str, Any]) -> Measurement:
    cost = genotype.cost()
    return Measurement(
        -1, {}, "partial", **values, macs=cost.macs, macs_published=cost.macs_published,
        params=cost.params, seconds=0.0, seed=0,
    )  # fmt: skip
