"""What came out: reads run folders alone, on any machine, and never changes a measurement."""

from analysis.best import best
from analysis.drawing import draw_genotype
from analysis.front import front
from analysis.hypervolume import hypervolume
from analysis.outcome import Outcome, chosen_genotype, report, write_outcome
from analysis.run import Run, read_run

__all__ = [
    "Outcome",
    "Run",
    "best",
    "chosen_genotype",
    "draw_genotype",
    "front",
    "hypervolume",
    "read_run",
    "report",
    "write_outcome",
]
