"""The paper's networks by name, and its table beside this project's counts."""
