"""The names of a launch's files: see `execution.launching.launches`."""

LAUNCH, LOG, BEGAN, ENDED = "launch.json", "log", "began", "ended.json"
