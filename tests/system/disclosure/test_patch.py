"""What leaves the machine as a model's lineage: secrets planted wherever people keep them are not in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from verif.system.disclosure.content import find_secret
from verif.system.disclosure.names import FILES, denied_name
from verif.system.disclosure.patch import MAX_NEW, changes

HF, AWS = "hf_" + "aB3dE6gH9j" * 3, "AKIA" + "Q3ZX7YT2MNBV5KLP"
KEY = "-----BEGIN " + "OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAA\n-----END OPENSSH PRIVATE KEY-----\n"


def git(root: Path, *arguments: str) -> str:
    line = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(line, cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A commit with a long file in a folder that travels; nothing is ignored."""
    root = tmp_path / "project"
    for folder in ("recipes", "infra", "verif"):
        (root / folder).mkdir(parents=True)
    (root / "verif" / "long.py").write_text("".join(f"line_{n} = {n}\n" for n in range(100)))
    (root / "infra" / "stand.txt").write_text("old\n")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    return root


def put(root: Path, name: str, text: str | bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_planted_secrets_do_not_travel_and_are_named(project: Path) -> None:
    planted = {
        "hub.env": f"HF_TOKEN={HF}\n", "remote.env": f"AWS_ACCESS_KEY_ID={AWS}\n", ".env": "PASSWORD=hunter2-own\n",
        "id_rsa": KEY, "recipes/hub.env": f"HF_TOKEN={HF}\n", "infra/docker/secrets/store_password": "hunter2-own\n",
        "recipes/notes.yaml": f"# mine\nlogin: {HF}\n", "infra/kube.yaml": "client-key-data: hunter2-own\n",
        "infra/values.yaml": "db:\n  password: hunter2-own\n", "verif/settings.py": 'password = "hunter2-own"\n',
        "infra/address.txt": "postgresql://verif:hunter2-own@db/mlflow\n", "recipes/x.bin": b"\0hunter2-own",
        "infra/utf16.txt": "password: hunter2-own\n".encode("utf-16"), "todo.txt": "hunter2-own\n",
        "infra/env.yaml": "env:\n  - name: HF_TOKEN\n    value: " + HF[3:] + "\n",
    }  # fmt: skip
    for name, text in planted.items():
        put(project, name, text)
    (project / "infra" / "link").symlink_to(f"https://me:hunter2-own@git.example/{HF}")
    put(project, "recipes/mine.yaml", "name: mine\ntokenizer: Qwen/Qwen2.5-0.5B-Instruct\nmax_tokens: 2048\n")
    put(project, "verif/new.py", "token = os.environ['HF_TOKEN']\npassword = getpass()\n")
    put(project, "infra/stand.txt", "new\n")
    found = changes(project)
    for secret in (HF, HF[3:], AWS, "hunter2-own", "PRIVATE KEY"):
        assert secret not in found.patch
    assert (found.changed, found.added) == (1, 2)
    for text in ("name: mine", "getpass()", "+new\n"):
        assert text in found.patch
    reasons = dict(found.withheld) | dict(found.left_out)
    assert set(reasons) == set(planted) | {"infra/link"}
    assert reasons["hub.env"] == reasons["infra/docker/secrets/store_password"] == "name"
    assert reasons["recipes/notes.yaml"] == "content: Hugging Face token"
    assert reasons["todo.txt"] == "not added, and in no folder that travels"
    assert found.line.startswith("lineage: 1 file changed, 2 untracked; withheld: .env (name), ")
    assert "hub.env (name)" in found.line


def test_a_hunk_with_a_secret_is_withheld_and_the_rest_of_the_file_still_applies(
    project: Path, tmp_path: Path
) -> None:
    lines = (project / "verif" / "long.py").read_text().splitlines(keepends=True)
    lines[10] = f'HUB = "{HF}"\n'
    lines[60:60] = ["added = 1\n"]
    put(project, "verif/long.py", "".join(lines))
    found = changes(project)
    assert HF not in found.patch
    assert "+added = 1" in found.patch
    assert found.withheld == (("verif/long.py", "content: Hugging Face token, in 1 of 2 places"),)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))
    put(clone, "changes.patch", found.patch)
    git(clone, "apply", "changes.patch")
    assert "added = 1\n" in (clone / "verif" / "long.py").read_text()


def test_neither_context_nor_heading_nor_a_removed_line_nor_a_binary_file_tells_a_secret(
    project: Path,
) -> None:
    body = "".join(f"  {n}\n" for n in range(20))
    put(project, "infra/context.txt", f"a\nkey {AWS}\nb\n")
    put(project, "infra/heading.txt", f"key_{AWS}:\n{body}")
    put(project, "infra/gone.txt", f"key {AWS}\n")
    put(project, "infra/blob", b"\0\1\2 old")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "secrets in the history")
    put(project, "infra/context.txt", f"a\nkey {AWS}\nc\n")
    put(project, "infra/heading.txt", f"key_{AWS}:\n{body}more\n")
    put(project, "infra/heading.txt", (project / "infra/heading.txt").read_text().replace("  15\n", "  16\n"))
    (project / "infra" / "gone.txt").unlink()
    put(project, "infra/blob", b"\0\1\2 " + HF.encode())
    found = changes(project)
    assert found.patch == ""
    names = ["infra/blob", "infra/context.txt", "infra/gone.txt", "infra/heading.txt"]
    assert [name for name, _ in found.withheld] == names


def test_what_was_added_travels_from_anywhere_but_not_with_a_denied_name_or_content(project: Path) -> None:
    put(project, "elsewhere/plan.txt", "plain\n")
    put(project, "elsewhere/prod.tfvars", "plain\n")
    put(project, "elsewhere/known.txt", f"Authorization: Bearer {HF}\n")
    git(project, "add", "-A")
    found = changes(project)
    assert "elsewhere/plan.txt" in found.patch
    assert [name for name, _ in found.withheld] == ["elsewhere/known.txt", "elsewhere/prod.tfvars"]
    assert "tfvars" not in found.patch


def test_a_large_new_file_stays_and_odd_names_neither_slip_through_nor_break_the_line(project: Path) -> None:
    put(project, "recipes/large.jsonl", "a" * (MAX_NEW + 1))
    put(project, 'recipes/o"dd\n\x1b]0;x\x07 größe.yaml', "fine: 1\n")
    put(project, "recipes/line\nbreak.env", "plain\n")
    found = changes(project)
    assert found.added == 1
    assert "fine: 1" in found.patch
    assert dict(found.left_out) == {"recipes/large.jsonl": "more than 1000 kB"}
    assert found.line.isprintable()


def test_a_users_own_settings_of_git_change_nothing(project: Path) -> None:
    for name, value in (("diff.noprefix", "true"), ("color.ui", "always"), ("diff.external", "echo"),
                        ("core.quotePath", "false"), ("diff.mnemonicPrefix", "true")):  # fmt: skip
        git(project, "config", name, value)
    put(project, "infra/stand.txt", "new\n")
    assert changes(project).patch.startswith("diff --git a/infra/stand.txt b/infra/stand.txt\n")


@pytest.mark.parametrize(
    "name",
    ["hub.env", ".env", ".env.local", "a/REMOTE.ENV", "id_rsa", "id_ed25519.pub", "a/b.pem", "tls.key", "x.p12", ".netrc",
     ".npmrc", ".pypirc", "kubeconfig", "kubeconfig-prod", "credentials", "credentials.json", "a/prod.tfvars",
     ".git-credentials", ".htpasswd", "service-account.json", "infra/docker/secrets/token", ".aws/config", ".ssh/config",
     ".dvc/config.local"],
)  # fmt: skip
def test_names_that_are_denied(name: str) -> None:
    assert denied_name(name)


def test_no_file_of_the_project_is_denied_and_the_ignore_files_hold_every_name(root: Path) -> None:
    assert [name for name in git(root, "ls-files").splitlines() if denied_name(name)] == []
    for ignore, form in ((".gitignore", "{}"), (".dockerignore", "**/{}")):
        lines = set((root / ignore).read_text().splitlines())
        assert {form.format(name) for name in FILES} <= lines, ignore


@pytest.mark.parametrize(
    "text",
    [
        KEY, f"x {AWS} y", "AIza" + "Sy0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV", "ghp_" + "a1B2c3D4e5" * 4,
        "xoxb-" + "123456789012-abc", "sk-" + "proj-abcDEF123456abcDEF", 'password = "ab!"', "DB_PASSWORD=x1y",
        'Authorization: Basic dTpwYXNz', "export API_KEY='Zx81kkqP02mmTb'", "//npm.example/:_authToken=Ab3" + "dE6gH9jKmN2",
        "machine h login me password secret1", "admin:$apr1$" + "x7yz$abc", 'kind: Secret\ndata: {}',
        "AccountKey=" + "Zm9vYmFyMTIzNDU2Nzg5MA==", "password: |\n  ab", '{"client_secret": "q8Jk2LmN0pXz"}',
        # tokens of other providers, and passwords where no `=` stands
        *(head + "0a1B2c3D4e5F6a7B8c9D" * 2 for head in (
            "hvs.", "dckr_pat_", "lin_api_", "ntn_", "glsa_", "sntrys_", "r8_", "gsk_", "xai-", "pplx-", "pcsk_", "lsv2_pt_",
            "nvapi-", "figd_", "pul-", "dp.pt.", "FlyV1 fm2_", "pnu_", "1//0", "abcdefghijklmn.atlasv1.", "PMAK-", "123456789:AA",
            "?sig=", "ENV API_TOKEN ", "SG.0a1B2c3D4e5F6a7B8c9D.",
        )),
        *(head + "0123456789abcdef" * 2 for head in ("SK", "dapi", "shpat_", "key-", "&X-Amz-Signature=")),
        '{"username":"me","key":"' + "0123456789abcdef" * 2 + '"}', '{"auths":{"h":{"auth":"' + "bWU6aHVudGVyMg==" + '"}}}',
        "DB_PASS=" + "hunter22", "smtp_pass: " + "hunter22", "psql --password " + "hunter22", "curl -u me:" + "hunter22 https://h.example",
        "CREATE USER x IDENTIFIED BY '" + "hunter22'", "<password>" + "hunter22</password>", "_auth=" + "bWU6aHVudGVyMg==",
    ],
)  # fmt: skip
def test_contents_that_are_a_secret(text: str) -> None:
    assert find_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "remote_secret: verif-remote", "max_tokens: 1024", "tokenizer: Qwen/Qwen2.5-0.5B-Instruct",
        "password: ${PASSWORD}", "PASSWORD_FILE: /run/secrets/postgres_password", "https://git@host.example/x.git",
        "postgresql://verif:$(secret postgres_password)@postgres:5432", "Authorization: Bearer $TOKEN",
        "mysql --password=$PASSWORD",
        "curl -u $USER:$PASS h", "give --token FILE to it", "<password>...</password>",
        "first_passage: one",
        "X-Request-Id: SK-1", "r8_small", '{"key": "value"}', "pass: it works", "passed=12345678", "bypass = enabled",
        "digest: " + "ab12" * 16, "def token(version: str) -> str:",
    ],
)  # fmt: skip
def test_contents_that_are_none(text: str) -> None:
    assert find_secret(text) == ""
