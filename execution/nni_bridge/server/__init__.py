"""JavaScript that NNI's server loads before its own: each file mends one thing of it (the list of `nni_bridge` says why)."""

from pathlib import Path

FOLDER = Path(__file__).parent
