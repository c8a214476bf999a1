"""Strategies that train one supernet, and what training one needs."""
