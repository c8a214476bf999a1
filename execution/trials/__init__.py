"""A trial as NNI starts it: its process, its line to NNI, what it says of itself."""
