"""Files that are withheld for their name alone, wherever they lie. `.gitignore` and `.dockerignore` hold the same list.

A name says nothing about a file that is called otherwise: `content` looks into what the name lets through.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePosixPath

FILES = (
    "*.env", ".env*", "*.env.*", "*.tfvars", "*.tfvars.json", "*.tfstate*",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.ppk", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks",
    "*.keystore", "*.kdbx", "*.gpg", "*.age",
    ".netrc", "_netrc", ".npmrc", ".pypirc", "pip.conf", ".pgpass", ".my.cnf", ".git-credentials", ".htpasswd",
    ".dockercfg", ".boto", ".s3cfg", "kubeconfig*", "*.kubeconfig", "credentials*", "*credentials*.json",
    "service-account*.json", "service_account*.json", "*-service-account.json", "client_secret*.json",
    "*.token", "*.secret", "secrets.y*ml", "secrets.json", "secrets.toml", "config.local",
)  # fmt: skip
FOLDERS = ("secrets", ".ssh", ".aws", ".azure", ".gnupg", ".kube", ".docker")


def denied_name(path: str) -> bool:
    """Whether a file of this name, or in a folder of this name, is withheld; upper case counts as lower."""
    *folders, name = PurePosixPath(path.lower()).parts or ("",)
    return any(folder in FOLDERS for folder in folders) or any(
        fnmatchcase(name, p) for p in (*FILES, *FOLDERS)
    )
