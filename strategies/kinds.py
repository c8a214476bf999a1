"""The strategies by name: those that train each candidate as a trial, and those that train one supernet."""

MULTI_TRIAL = ("evolution", "random")
ONE_SHOT = ("darts",)
STRATEGIES = MULTI_TRIAL + ONE_SHOT
