"""Exports: an architecture and its weights as files that other programs load."""

from typing import TYPE_CHECKING

from records.lazy import loader

if TYPE_CHECKING:
    from training.export.bundle import Exported, export
    from training.export.weights import load_weights, save_weights

_PLACES = {
    "Exported": "training.export.bundle",
    "export": "training.export.bundle",
    "load_weights": "training.export.weights",
    "save_weights": "training.export.weights",
}
__all__ = list(_PLACES)
__getattr__ = loader(__name__, _PLACES)
