"""The judge: prompts, a strict reading of its answers, and a client that lasts a million rollouts."""
