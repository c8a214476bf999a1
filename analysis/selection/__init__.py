"""Which architecture to take: the best within a budget, the one a user asks for, and how far it is trusted."""
