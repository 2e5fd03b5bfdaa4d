"""Attacks that make false responses look true, one function each. See `family.Family` and the modules beside it."""
