"""A recording as programs of PyTorch."""
