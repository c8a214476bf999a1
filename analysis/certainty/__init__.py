"""How sure a result is: the noise of an accuracy, and what it makes equal."""
