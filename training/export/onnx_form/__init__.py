"""A recording as ONNX files."""
