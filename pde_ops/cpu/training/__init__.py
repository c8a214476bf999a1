"""What a network is trained by on a CPU: C++ kernels that stand for modules of torch while that lasts."""
