"""Pictures: records of what is drawn, and what draws them."""
