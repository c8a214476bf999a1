"""The operations that an edge of a cell chooses among: their registry, and those that come with it."""
