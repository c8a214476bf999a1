"""What a supernet's cells compute: which primitives of an edge are run in a step, and how they are weighed."""
