"""Training: the tiny models of the local world, and reinforcement learning through veRL."""
