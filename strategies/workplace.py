"""What a strategy is given that has to work before it can propose anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.trial_settings import TrialSettings


@dataclass(frozen=True)
class Workplace:
    """``folder`` is the run's, in which what is done is kept, so that a search can be gone on with; ``trial`` is how
    candidates are judged, ``trials`` how many there will be; ``progress``: bars on a terminal, elsewhere lines.

    Examples:
        >>> Workplace(Path("runs/a"), TrialSettings(), trials=8).trial.dataset
        'digits'
    """

    folder: Path
    trial: TrialSettings
    trials: int
    progress: bool = False
