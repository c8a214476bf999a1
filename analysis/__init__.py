"""What came out: reads run folders alone, on any machine, and never changes a measurement."""

from typing import TYPE_CHECKING

from analysis.front import front
from analysis.hypervolume import hypervolume
from analysis.run import Run, read_run
from analysis.selection.best import best
from analysis.selection.choice import Choice, choose, chosen_genotype
from analysis.selection.picking import pick
from analysis.tables import candidates_table, front_of, importance_table
from records.lazy import loader

if TYPE_CHECKING:
    from analysis.outcome import Outcome, report, write_outcome
    from analysis.pictures.drawing import draw_genotype
    from analysis.pictures.studies import (
        draw_attainment,
        draw_comparison,
        draw_differences,
        draw_frequency,
        draw_front,
        draw_importance,
        draw_weights,
    )
    from analysis.questions import Answer, answer
    from analysis.studies.attainment import attainment
    from analysis.studies.frequency import frequencies
    from analysis.studies.global_layers import global_question
    from analysis.studies.importance import importances

__all__ = [
    "Answer",
    "Choice",
    "Outcome",
    "Run",
    "answer",
    "attainment",
    "best",
    "candidates_table",
    "choose",
    "chosen_genotype",
    "draw_attainment",
    "draw_comparison",
    "draw_differences",
    "draw_frequency",
    "draw_front",
    "draw_genotype",
    "draw_importance",
    "draw_weights",
    "frequencies",
    "front",
    "front_of",
    "global_question",
    "hypervolume",
    "importance_table",
    "importances",
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
        "draw_weights": "analysis.pictures.studies",
        "draw_importance": "analysis.pictures.studies",
        "draw_front": "analysis.pictures.studies",
        "draw_frequency": "analysis.pictures.studies",
        "draw_differences": "analysis.pictures.studies",
        "draw_comparison": "analysis.pictures.studies",
        "draw_attainment": "analysis.pictures.studies",
        "importances": "analysis.studies.importance",
        "global_question": "analysis.studies.global_layers",
        "frequencies": "analysis.studies.frequency",
        "attainment": "analysis.studies.attainment",
        "draw_genotype": "analysis.pictures.drawing",
        "report": "analysis.outcome",
        "write_outcome": "analysis.outcome",
    },
)
