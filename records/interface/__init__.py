"""How one talks to a program: its command line, its ways of ending, its terminal, its settings in a TOML file."""
