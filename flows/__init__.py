"""Prefect flows. They hold no logic: what they run lives in `verif`, and works without Prefect."""

import os

# A flow that is called without a server starts one for itself; a busy laptop needs more than Prefect's 20 seconds for that.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")  # nothing here reports home
