"""A multi-trial search as it runs, and its loop over candidates."""
