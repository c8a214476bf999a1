"""A recording as ONNX files."""

# Of the operator that a file with this project's kernels has, for ONNX Runtime and for OpenVINO.
LIBRARY = "pde_layers.so"
OPENVINO_LIBRARY = "pde_layers_openvino.so"
