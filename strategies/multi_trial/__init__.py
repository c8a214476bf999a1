"""Strategies that have each candidate trained as a trial."""
