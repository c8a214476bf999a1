"""Where global layers could stand so that a mobile network's counts are the poster's.

No setting of the public code gives the poster's counts of its three ImageNet networks with global layers.
Here all placements of the family's space at the published widths are counted: per stage, one up to the
published number of blocks, or a one-step global layer with learned or constant diffusivity and each Init. A
network that has two names is counted once. Which of those that match was meant cannot be known from counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from records.checks import shown
from records.errors import UserError
from search_space.families.family import total_cost
from search_space.families.mobile import BLOCKS, MobileSpace
from search_space.genotype import Genotype
from search_space.paper.counts import classifier_cost
from search_space.paper.networks import published
from search_space.paper.rows import TOLERANCE, facts, printed_number, write_lines
from search_space.space import get_space

NAMES = ("MBV2-Global", "MBV3-Global", "EfficientNet-B0-Global")
KINDS = ("global", "global_constant_diffusivity")
# A layer around the stage's first block has that block's output as state and source; so has a layer with the
# identity as Init after that block. The network is the same, and goes here by the shorter name.
SAME_AS_IDENTITY = "+first_block"
INITS = ("", "+inverted_residual")
SHOWN = 20  # placements that the table shows


@dataclass(frozen=True)
class Placement:
    """A genotype and its counts; differences in percent of the poster's.

    The network has a classifier in any case. Where ``classifier`` is False, what this last linear layer costs is not
    in ``params`` and ``macs_published``, as the poster's counter left it out; ``whole_params`` and
    ``whole_macs_published`` are of the whole network.
    """

    genotype: Genotype
    params: int
    macs_published: int
    params_difference: float
    macs_difference: float
    classifier: bool
    whole_params: int
    whole_macs_published: int

    def bodies(self) -> str:
        """What stands in each stage, in order."""
        return " ".join(stage["body"] for stage in self.genotype.architecture.values())


@dataclass(frozen=True)
class Matches:
    """All placements that match, the best first."""

    placements: list[Placement]

    @property
    def count(self) -> int:
        return len(self.placements)

    @property
    def with_classifier(self) -> int:
        """How many match with the classifier counted."""
        return sum(placement.classifier for placement in self.placements)


def placements(name: str) -> Matches:
    """The placements whose parameters and published MACs are both within 2% of the poster's.

    Args:
        name: one of ``NAMES``; case does not matter.

    The first are those in which fewest stages differ from the public description, then those with the
    smallest differences. Counts are compared without the classifier, as the poster's counter left it out, and with
    it; no placement matches both ways, its parameters are too many. Takes seconds.

    Raises:
        UserError: for another name than those in ``NAMES``.
    """
    known = {accepted.lower(): accepted for accepted in NAMES}
    if not isinstance(name, str) or name.lower() not in known:
        raise UserError(f"name is {shown(name)}; accepted: {', '.join(NAMES)}")
    name = known[name.lower()]
    fact = next(fact for fact in facts() if fact.network == name)
    printed_params, printed_macs = printed_number(fact.params), printed_number(fact.macs)
    if printed_params is None or printed_macs is None:
        raise UserError(f"the poster has no counts for {name}")
    reference = published(f"{name}-Public")
    space = cast(MobileSpace, get_space(reference.space))
    settings = space.settings_of(reference.problem)
    size, width = (-(-reference.image[1] // 2), -(-reference.image[2] // 2)), space.network.stem
    options, costs = [], []
    for stage in space.network.stages:
        bodies = [f"{BLOCKS}{count}" for count in range(1, len(stage.expansions) + 1)]
        bodies += [f"{kind}_1{init}" for kind in KINDS for init in INITS]
        body_costs = [
            total_cost(space.stage_parts(settings, stage, width, stage.channels, body), size)
            for body in bodies
        ]
        options.append(bodies)
        costs.append(np.array([(cost.params, cost.macs_published) for cost in body_costs]))
        width = stage.channels
        size = (-(-size[0] // stage.stride), -(-size[1] // stage.stride))
    rest = _rest(reference, options, costs)
    totals = rest.reshape(1, 2)
    for stage_costs in costs:
        totals = (totals[:, None] + stage_costs[None]).reshape(-1, 2)
    last = classifier_cost(reference)
    linear = np.array([last.params, last.macs_published])
    shape = [len(bodies) for bodies in options]
    described = [bodies.index(_described(reference, stage)) for stage, bodies in enumerate(options, start=1)]
    matches: list[tuple] = []
    poster = np.array([printed_params[0], printed_macs[0]])
    for classifier in (True, False):
        own = totals if classifier else totals - linear
        gaps = 100.0 * (own / poster - 1)
        for index in np.flatnonzero((np.abs(gaps) <= TOLERANCE).all(axis=1)):
            places = np.unravel_index(index, shape)
            changed = sum(place != public for place, public in zip(places, described, strict=True))
            order = (changed, float(np.abs(gaps[index]).max()), int(index), classifier)
            matches.append((order, places, (*own[index], *gaps[index]), totals[index]))
    matches.sort(key=lambda match: match[0])
    result = []
    for order, places, counted, whole in matches:
        stages = {
            f"stage{number}": {"width": 1.0, "body": bodies[int(place)]}
            for number, (bodies, place) in enumerate(zip(options, places, strict=True), start=1)
        }
        genotype = Genotype.of(reference.problem, stages)
        counts = (int(counted[0]), int(counted[1]), float(counted[2]), float(counted[3]))
        result.append(Placement(genotype, *counts, order[3], *map(int, whole)))
    return Matches(result)


def _rest(reference: Genotype, options: list[list[str]], costs: list[np.ndarray]) -> np.ndarray:
    """Counts of stem and head: the whole network's without its stages'."""
    whole = reference.cost()
    total = np.array([whole.params, whole.macs_published])
    for stage, (bodies, stage_costs) in enumerate(zip(options, costs, strict=True), start=1):
        total = total - stage_costs[bodies.index(_described(reference, stage))]
    return total


def _described(reference: Genotype, stage: int) -> str:
    """What the public description has in that stage, by the one name that it has here."""
    return reference.architecture[f"stage{stage}"]["body"].removesuffix(SAME_AS_IDENTITY)


def placements_table(matches: Matches) -> str:
    """The first ``SHOWN`` placements as text, with how many there are."""
    lines = [
        f"{matches.count:,} placements match, {matches.with_classifier:,} of them with the classifier counted, which the "
        "poster's counter left out",
        "parameters, published MACs, differences in percent, both counts with the classifier, stages:",
    ]
    for placement in matches.placements[:SHOWN]:
        note = "  (compared with the classifier)" if placement.classifier else ""
        lines.append(
            f"{placement.params:>10,}  {placement.macs_published:>12,}  {placement.params_difference:+.2f}  "
            f"{placement.macs_difference:+.2f}  {placement.whole_params:>10,}  {placement.whole_macs_published:>12,}  "
            f"{placement.bodies()}{note}"
        )
    return "\n".join(lines)


def write_csv(matches: Matches, path: str | Path) -> Path:
    """Writes all placements with a heading; ``stages`` is what stands in each stage, in order.

    Raises ``UserError`` where it cannot.
    """
    names = (
        "params", "macs_published", "params_difference", "macs_difference", "classifier", "whole_params",
        "whole_macs_published",
    )  # fmt: skip
    lines = [(*(getattr(p, name) for name in names), p.bodies()) for p in matches.placements]
    return write_lines((*names, "stages"), lines, path)
