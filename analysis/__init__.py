"""What came out: reads run folders alone, on any machine, and never changes a measurement."""

from typing import TYPE_CHECKING

from analysis.best import best
from analysis.choice import Choice, choose, chosen_genotype
from analysis.front import front
from analysis.hypervolume import hypervolume
from analysis.picking import pick
from analysis.run import Run, read_run
from analysis.tables import candidates_table
from records.lazy import loader

if TYPE_CHECKING:
    from analysis.outcome import Outcome, report, write_outcome
    from analysis.pictures.drawing import draw_genotype
    from analysis.questions import Answer, answer

__all__ = [
    "Answer",
    "Choice",
    "Outcome",
    "Run",
    "answer",
    "best",
    "candidates_table",
    "choose",
    "chosen_genotype",
    "draw_genotype",
    "front",
    "hypervolume",
    "pick",
    "read_run",
    "report",
    "write_outcome",
]
# Loaded when they are first used: the plotting library takes its time.
__getattr__ = loader(
    __name__,
    {
        "Answer": "analysis.questions",
        "Outcome": "analysis.outcome",
        "answer": "analysis.questions",
        "draw_genotype": "analysis.pictures.drawing",
        "report": "analysis.outcome",
        "write_outcome": "analysis.outcome",
    },
)
