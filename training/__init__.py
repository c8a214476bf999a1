"""Data, recipes, loops, retraining, export, inspection."""

from records.user_name import ensure_user_name

ensure_user_name()  # before anything here makes an optimiser
