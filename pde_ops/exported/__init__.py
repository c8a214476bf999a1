"""The scheme in operators that a program has, which runs where this project is not installed."""
