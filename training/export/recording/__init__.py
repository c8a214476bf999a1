"""A network as a graph of operators, by watching it."""
