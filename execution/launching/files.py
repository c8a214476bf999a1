"""The names of a launch's files: see `execution.launching.launches`."""

LAUNCH, LOG, ENDED, STARTING = "launch.json", "log", "ended.json", "starting"
