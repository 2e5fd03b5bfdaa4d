"""The audit: what a verifier must show before it may teach."""
