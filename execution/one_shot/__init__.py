"""A one-shot search as it runs, and the processes that share a supernet."""
