"""Everyday tasks with constraints of registered rules: training data for a real model that only rules need to judge."""
