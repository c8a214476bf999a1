"""Global layers that reach the whole map in one go: heat flow in the cosine basis, and an implicit step."""
