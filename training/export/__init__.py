"""Exports: an architecture and its weights as files that other programs load."""

from training.export.bundle import GENOTYPE, WEIGHTS, Exported, export
from training.export.weights import load_weights, save_weights

__all__ = ["GENOTYPE", "WEIGHTS", "Exported", "export", "load_weights", "save_weights"]
