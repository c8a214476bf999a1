"""What is shown of a run while it goes on: plain values for pages, read from its folder as far as it can be."""
