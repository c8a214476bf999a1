"""Data sets: what is known of them, what is accepted, and how their images reach the device."""
