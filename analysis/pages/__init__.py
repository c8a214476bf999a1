"""The report: its page, and its HTML, its table of settings."""
