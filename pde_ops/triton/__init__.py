"""The Triton backend, for GPUs. Its modules name themselves in full; ``import triton`` is the compiler's package."""
