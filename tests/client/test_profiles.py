"""Which service a command uses: options, then variables, then the profile, in a file that only its owner can read."""

from __future__ import annotations

import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from client_export.cli.exits import LocalError
from client_export.cli.profiles import Profile, find_profile, load_profiles, reader_of, save_profiles

VARIABLES = ("URL", "KEY", "TOKEN", "TENANT", "PROFILE")
DEFAULT = Profile("https://default.example", key="of-default", tenant="northwind")
STAGING = Profile("https://staging.example", token="of-staging", tenant="southwind")


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in VARIABLES:
        monkeypatch.delenv(f"CLIENT_EXPORT_{name}", raising=False)
    monkeypatch.setenv("CLIENT_EXPORT_CONFIG", str(tmp_path / "folder" / "profiles.json"))
    return save_profiles({"default": DEFAULT, "staging": STAGING})


def test_the_default_profile_is_used_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_profile(None, None, None) == DEFAULT
    assert find_profile("staging", None, None) == STAGING
    monkeypatch.setenv("CLIENT_EXPORT_PROFILE", "staging")
    assert find_profile(None, None, None) == STAGING
    assert find_profile("default", None, None) == DEFAULT


def test_options_win_over_variables_and_variables_over_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("URL", "https://variable.example"), ("KEY", "of-variable"), ("TENANT", "eastwind")):
        monkeypatch.setenv(f"CLIENT_EXPORT_{name}", value)
    assert find_profile("staging", None, None) == Profile(
        "https://variable.example", key="of-variable", tenant="eastwind"
    )
    found = find_profile("staging", "https://option.example", "westwind")
    assert found == Profile("https://option.example", key="of-variable", tenant="westwind")


@pytest.mark.parametrize("url", ["https://evil.example", "http://default.example", "https://default.example:444"])
@pytest.mark.parametrize("by", ["option", "variable"])
def test_the_key_of_a_profile_goes_to_the_service_of_the_profile_only(
    url: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "variable":
        monkeypatch.setenv("CLIENT_EXPORT_URL", url)
    option = url if by == "option" else None
    with pytest.raises(LocalError, match="The key of the profile default is for"):
        find_profile(None, option, None)
    monkeypatch.setenv("CLIENT_EXPORT_KEY", "of-variable")
    assert find_profile(None, option, None) == Profile(url, key="of-variable")
    assert find_profile("default", option, None) == Profile(url, key="of-variable", tenant="northwind")


def test_another_address_of_the_same_service_gets_the_key_of_the_profile() -> None:
    for url in ("https://DEFAULT.example:443/", "https://default.example/behind/a/gateway"):
        assert find_profile(None, url, None).key == "of-default"


def test_a_key_is_sent_over_plain_http_to_another_machine_only_if_that_is_allowed() -> None:
    for host in ("exports.example", "10.0.0.1", "127.0.0.1.example", "localhost.example", "[fe80::1]"):
        with pytest.raises(LocalError, match="--allow-http"):
            Profile(f"http://{host}", key="k").open()
        Profile(f"http://{host}", key="k", allow_http=True).open().close()
    for host in ("localhost:7071", "127.0.0.1", "[::1]:80", "a.localhost"):
        Profile(f"http://{host}", key="k").open().close()
    save_profiles({"own": Profile("http://exports.example", key="k", allow_http=True)})
    assert find_profile("own", None, None).allow_http


def test_a_complete_set_of_variables_needs_no_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("damaged", encoding="utf-8")
    monkeypatch.setenv("CLIENT_EXPORT_URL", "https://variable.example")
    monkeypatch.setenv("CLIENT_EXPORT_TOKEN", "of-variable")
    assert find_profile(None, None, None) == Profile("https://variable.example", token="of-variable")


def test_what_is_missing_is_named_with_what_to_do(file: Path) -> None:
    with pytest.raises(LocalError, match="client-export login --name production"):
        find_profile("production", None, None)
    file.unlink()
    with pytest.raises(LocalError, match="client-export login --url URL"):
        find_profile(None, None, None)
    with pytest.raises(LocalError, match="No credentials are known"):
        find_profile(None, "https://option.example", None)


def test_a_file_that_others_can_read_is_refused(file: Path) -> None:
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    with pytest.raises(LocalError, match="chmod 600"):
        load_profiles()


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        (Profile("ftp://a.example", key="k"), "must begin with https:// or http://"),
        (Profile("https://a.example:port", key="k"), "is not the address of a service"),
        (Profile("https://a.example", key="cx_ключ"), "The key contains characters that no key has"),
        (Profile("https://a.example", token="two\nlines"), "The token contains characters that no token has"),
    ],
    ids=["scheme", "port", "key", "token"],
)
def test_an_address_or_secret_that_cannot_be_right_is_told_in_one_line(profile: Profile, told: str) -> None:
    with pytest.raises(LocalError, match=told) as refused:
        profile.open()
    assert "ключ" not in str(refused.value)
    assert "lines" not in str(refused.value)


def test_a_renewed_token_in_the_file_is_used_by_the_next_request(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first", encoding="utf-8")
    read = reader_of(token)
    token.write_text("second\n", encoding="utf-8")
    assert read() == "second"


def test_a_file_or_an_input_that_is_no_text_holds_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tmp_path / "token"
    token.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LocalError, match="token holds no access token"):
        reader_of(token)
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"\xff\xfe\n"), encoding="utf-8"))
    with pytest.raises(LocalError, match="Standard input holds no access token"):
        reader_of(Path("-"))
