"""The classes and functions that a written module is put together from, as they stand in it.

They are plain PyTorch and need nothing of this project. A line that ends in ``# if NAME`` is left out of a module
whose network has no use for it, one in ``# if not NAME`` of the others; neither mark is in the module. Lines have at
most 88 characters and a list that is broken has a comma at its end, so that formatters of any width leave them alone.
"""
