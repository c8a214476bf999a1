"""The C++ backend: the integrator, and the whole layer fused into one kernel."""
