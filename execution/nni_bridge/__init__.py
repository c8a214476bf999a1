"""All that works around NNI 3.0, which is no longer maintained."""
