"""Searches launched from a page: the form, its check, the estimate, the start, and who waits."""
