"""Prefect flows. They hold no logic: what they run lives in `verif`, and works without Prefect."""
