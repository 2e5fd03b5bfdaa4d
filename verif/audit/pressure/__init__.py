"""What optimisation against the verifier would find: the policy's rollouts, the best of n, and a search."""
