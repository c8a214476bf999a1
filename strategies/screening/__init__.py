"""Architectures judged without training, so that a search begins with promising ones (`--screen`)."""
