"""What a reader who has never seen the project must know: what the search was, and what the report's words mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from analysis.front import front
from analysis.pages import html
from analysis.run import Run
from analysis.studies.importance import NEAR
from search_space.contents import is_global, places

_LOOKED_AT = 200  # candidates whose operations are explained
_WORDS = {
    "candidate": "An architecture that the search tried. It was trained for a short while and judged by images that were held out "
    "of training (validation accuracy); test images were not looked at.",
    "index": "The number of a candidate, from 0, by which commands name it: --pick index=N.",
    "recipe": "How a network is trained: optimiser, learning rate, epochs, batch size, what is done to the images.",
    "MACs": "Multiply-accumulates for one image: convolutions, linear layers and what global layers compute. The published count "
    "leaves out the equation of global layers, as the paper on them does; it is for comparisons with that paper alone.",
    "front": "The candidates that no other one beats: none has at least their accuracy for fewer MACs.",
    "near the front": f"The {100 * NEAR:.0f}% of the candidates that lie least below the front in accuracy, those on it among them.",
    "knee": "The bend of the front: before it a little more MACs give much accuracy, after it little. It is the point farthest above "
    "the straight line between the front's ends, over the logarithm of MACs.",
    "±": "Beside an accuracy that the search measured it is twice its standard error over the validation images: of so many images a "
    "share of right answers is not known better. Beside a mean by other seeds it is the standard deviation over these n seeds: how far "
    "one training lies from the next.",
    "noise of a difference, tie": "Two candidates tie where the difference of their accuracies is within its noise: which of them is "
    "better cannot be told. Of two that were both trained again by other seeds the means are compared; the noise is that of the "
    "seeds (Student's t at 95%, Welch's degrees of freedom, times the standard error) and that of the images (twice the standard error) "
    "together: their squares add up. Of any others the search's one training is compared, with the noise of the images.",
    "by other seeds": "After the search some of the front are trained again, twice as long unless another length was asked for, from other random numbers. These accuracies are "
    "compared with each other alone.",
    "global layers %": "The share of an architecture's places (edges of its cells, or its blocks or stages) that have a global layer.",
    "hypervolume": "How much of the plane of accuracy and MACs the front dominates: one number for how good a front is.",
    "age": "A candidate's place in the order of finishing in its search, from 1.",
    "failed, cancelled, rejected, partial": "Candidates without an accuracy: the training ended with an error, a person ended it, it was "
    "above a budget; or with one that compares with no others, for it was trained in part only.",
}
_CELLS = (
    "An architecture is a stack of small graphs. Normal cells keep the resolution, reduction cells halve it. The states \u201cbefore\u201d and "
    "\u201clast\u201d are the outputs of the two cells before; a node is the sum of its operations, and a cell gives all its nodes."
)
_LAYER = (
    "A layer in which a differential equation of advection (carrying) and diffusion (spreading), whose coefficients are learned, runs "
    "over the whole feature map, so that a pixel depends on far ones (Kag and Saligrama, CVPR 2022). A name ends in its steps: the "
    "more, the farther it reaches, and the more MACs it takes."
)
_KINDS = {
    "global": "carries and spreads", "global_advection": "only carries", "global_diffusion": "only spreads",
    "global_constant_diffusivity": "carries as it learns and spreads evenly", "global_block": "coefficients from a residual block",
    "global_open": "begins with large coefficients", "global_implicit_open": "implicit steps, begun with large coefficients", "global_signed": "carries to either side",
    "global_heat": "spreads by the heat equation, solved exactly", "global_implicit": "implicit steps, stable for all coefficients",
}  # fmt: skip
_OTHERS = {
    "skip_connect": "identity", "sep_conv": "depthwise separable convolution", "dil_conv": "dilated separable convolution",
    "avg_pool": "mean of a window", "max_pool": "largest of a window", "depthwise": "depthwise convolution", "none": "no edge",
}  # fmt: skip


def introduction(run: Run) -> str:
    """One sentence on what was searched, and how candidates were judged; what an older run does not say is left out."""
    named = {name: run.settings.get(name) for name in ("space", "strategy")}
    what = [f"in the space {named['space']}" if isinstance(named["space"], str) else ""]
    what += [f"by the strategy {named['strategy']}" if isinstance(named["strategy"], str) else ""]
    tried = f"{len(run.measurements):,} candidates, {len(run.ok):,} of them judged"
    text = " ".join(["A search for networks", f"on {run.dataset}" if run.dataset else "", *what])
    return f"{' '.join(text.split())}: {tried}{_training(run)}."


def _training(run: Run) -> str:
    recipe, images = run.resolved.get("recipe"), run.resolved.get("train_images")
    epochs = recipe.get("epochs") if isinstance(recipe, dict) else None
    if type(epochs) is not int or type(images) is not int:
        return ""
    return f", each trained for {epochs:,} epoch{'s'[: epochs != 1]} of {images:,} images"


def words_html(runs: Sequence[Run]) -> str:
    """The words, folded: those of every report, and the operations of its candidates."""
    some = [m for run in runs for m in [*front(run.ok), *run.ok[:_LOOKED_AT]]]
    architectures = [m.genotype.get("architecture") for m in some]
    names = {name for each in architectures for held in places(each) for name in held}
    rows: list[tuple[str, str]] = [("global layer", _LAYER)] if any(map(is_global, names)) else []
    rows += list(_WORDS.items())
    rows += [("cell, node", _CELLS)] if any(map(_has_cells, architectures)) else []
    rows += _explained(names, _KINDS) + _explained(names, _OTHERS)
    return html.folded("What the words mean", [html.definitions(rows)], kind="words")


def _has_cells(architecture: Any) -> bool:
    return isinstance(architecture, dict) and {"normal", "reduction"} & architecture.keys() != set()


def _explained(names: set[str], known: dict[str, str]) -> list[tuple[str, str]]:
    """Of the operations there are those that are known, without the numbers at their ends."""
    kinds = {re.sub(r"(_\d+x\d+|_\d+)$", "", part) for name in names for part in name.split("+")}
    return [(name, meaning) for name, meaning in known.items() if name in kinds]
