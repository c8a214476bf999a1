"""Networks of repeated cells, after DARTS: the space, its networks, its NNI model space."""
