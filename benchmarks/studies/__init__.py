"""Studies of what a search can choose from and how it explores: ``python -m benchmarks.studies.NAME``."""
