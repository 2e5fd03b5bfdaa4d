"""MLflow's server behind a password: `python -m flows.tracking PORT`, with VERIF_MLFLOW_LOGIN and VERIF_MLFLOW_HOME.

MLflow's own authentication is an extra with packages and a user database of its own, made for teams (our team server
has it); here is one user. MLflow's check of hosts and origins stays on behind the gate. What `mlflow server` would
tell its worker by private variables is told here in the same way.
"""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path
from typing import Any


def application(home: Path) -> Any:
    """MLflow's application on a SQLite file and a folder below `home`."""
    store, artifacts = f"sqlite:///{home / 'mlflow.db'}", str(home / "artifacts")
    os.environ |= {
        "_MLFLOW_SERVER_FILE_STORE": store,
        "_MLFLOW_SERVER_REGISTRY_STORE": store,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": artifacts,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "_MLFLOW_SERVER_BOOT_ID": uuid.uuid4().hex,
        "_MLFLOW_IN_JOB_EXECUTOR": "false",
    }
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(store, store, "mlflow-artifacts:/")
    from mlflow.server.fastapi_app import app

    return app


def main() -> None:
    """Serve on loopback."""
    line, home = os.environ.pop("VERIF_MLFLOW_LOGIN"), Path(os.environ["VERIF_MLFLOW_HOME"])
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        os.environ.pop(name, None)  # this is the server
    import uvicorn

    from flows.gate import BasicAuth

    port = int(sys.argv[1])
    gate = BasicAuth(application(home), port, line, frozenset({"/health"}))
    uvicorn.run(gate, host="127.0.0.1", port=port, log_level="warning", server_header=False)


if __name__ == "__main__":
    main()
