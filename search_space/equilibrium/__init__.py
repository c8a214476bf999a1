"""Multiscale deep equilibrium models (MDEQ) as their owners built them."""
