"""How a space is explored: one file a strategy. It knows no process, port or machine."""
