"""A network as one readable Python module of plain PyTorch."""
