"""A recording as ONNX files."""

LIBRARY = "pde_layers.so"  # of the operator that a file with this project's kernels has
