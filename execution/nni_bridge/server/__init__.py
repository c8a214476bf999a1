"""JavaScript that NNI's server loads before its own: each file mends one thing of it (see `nni_bridge.compat`)."""

from pathlib import Path

FOLDER = Path(__file__).parent
