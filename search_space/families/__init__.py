"""Families of published networks as spaces: where their global layers go, how wide and deep they are."""
