"""The password never appears: not in an address, not in a message that quotes it, however it is written."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verif.errors import RegistryError
from verif.registry.runs.mlflow import mlflow_errors
from verif.system.disclosure.masking import mask, mask_uri, mask_values

SPECIAL = "/@#?:%&=;[]\\+~!$ '\"<>é"
passwords = st.builds(lambda a, b, c: f"{a}Zq9{b}Zq9{c}", *[st.text(SPECIAL + "ab", max_size=6)] * 3)
users = st.sampled_from(["", "me", "team%2Fme", "me@example.org"])
hosts = st.sampled_from(["h", "db.example.org:5432", "[::1]:80", "[2001:db8::1]"])
schemes = st.sampled_from(["postgresql+psycopg2://", "https://", "s3://", "mysql://", ""])
tails = st.sampled_from(["", "/", "/mlflow", "/a@b/c", "/x?sslmode=require", "/x#part", "/p?q=a@b"])


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(passwords, users, hosts, schemes, tails, st.booleans())
def test_the_password_is_never_shown(
    password: str, user: str, host: str, scheme: str, tail: str, encoded: bool
) -> None:
    written = quote(password, safe="") if encoded else password
    uri = f"{scheme}{user}:{written}@{host}{tail}"
    assert "Zq9" not in mask_uri(uri)
    said = mask(f"could not connect to {uri!r}: {uri} with {password}", [uri])
    assert "Zq9" not in said
    if not set(written) & set(" \t"):
        assert "Zq9" not in mask(f"cannot read {uri}.")


@settings(max_examples=100, deadline=None)
@given(passwords, st.sampled_from(["token", "X-Amz-Signature", "sig", "anything"]), st.sampled_from("?#"))
def test_queries_and_fragments_are_not_shown(secret: str, name: str, mark: str) -> None:
    assert "Zq9" not in mask_uri(f"https://h.example/path{mark}{name}={secret}")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://verif:a/b@c@db:5432/x", "postgresql://***@db:5432/x"),
        ("http://[::1]:5000", "http://[::1]:5000"),
        ("https://u:p@[::1]:80/x", "https://***@[::1]:80/x"),
        ("https://h/x?token=abc&n=1", "https://h/x?***"),
        ("https://u:a?b@h/x", "https://***"),
        ("https://h/x#abc", "https://h/x#***"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("git@git.example.org:team/verif.git", "git@git.example.org:team/verif.git"),
        ("me:secret@host/x", "***@host/x"),
        ("me:secret://@host/x", "***@host/x"),
    ],
)
def test_what_is_left_says_where(uri: str, shown: str) -> None:
    assert mask_uri(uri) == shown


def test_nested_values_and_plain_text_are_left_as_they_are() -> None:
    assert mask_values({"a": ["https://u:p@h", 3], "b": "at 12:30, a@b.c"}) == {
        "a": ["https://***@h", 3],
        "b": "at 12:30, a@b.c",
    }


@pytest.mark.parametrize("password", ["pa/ss", "p@ss/w", "p%40ss", "a b@c", "q?x#y"])
def test_a_database_that_cannot_be_reached_is_named_without_its_password(password: str) -> None:
    where = f"postgresql://verif:{password}@127.0.0.1:9/mlflow"
    with pytest.raises(RegistryError) as caught, mlflow_errors("connecting", where):
        raise OSError(f"could not parse {where} (password {password!r})")
    assert password not in str(caught.value)
    assert "127.0.0.1:9" in str(caught.value) or "?" in password


def test_a_token_is_hidden_to_its_end() -> None:
    token = "hf_" + "aB3dE" * 8
    assert mask(f"refused {token}, and glsa_{'aB3dE' * 9}.") == "refused ***, and ***"
