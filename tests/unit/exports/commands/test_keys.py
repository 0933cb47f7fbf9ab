"""The command `python -m exports keys`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from exports import __main__ as program
from exports.commands import keys
from exports.request.scopes import ALL_SCOPES
from shared.api_keys import ApiKey, KeyState, KeyStore, KeysUnavailableError
from shared.key_ring import KeyRing
from tests.support.builders import NOON
from tests.support.keys import MemoryKeyStore, a_key

NOBODY_SIGNED_IN = KeysUnavailableError("Table Storage refused this service.")
NOBODY_SIGNED_IN.__cause__ = ClientAuthenticationError("secret.host.example")
REFUSED = KeysUnavailableError("Table Storage refused this service.")
REFUSED.__cause__ = HttpResponseError("secret.host.example")
REFUSED.__cause__.status_code = 403


@dataclass
class Shell:
    """Runs the command with a store in memory."""

    store: MemoryKeyStore
    capsys: pytest.CaptureFixture[str]
    opened: str = ""

    def open(self, storage: str) -> KeyStore:
        self.opened = storage
        return self.store

    def run(self, *words: str) -> tuple[int, str, str]:
        """Return the exit code, standard output and standard error."""
        code = program.main(["keys", *words])
        shown = self.capsys.readouterr()
        return code, shown.out, shown.err

    def refused(self, *words: str) -> str:
        code, out, err = self.run(*words)
        assert (code, out) == (1, "")
        return err

    def created(self, *words: str) -> ApiKey:
        """Return the key that `create` makes for tenant a."""
        code, out, _ = self.run("create", "--name", "n", "--tenant", "a", *words)
        assert code == 0
        found = KeyRing(self.store, run_in_background=lambda _: None).find(out.removesuffix("\n"))
        assert found is not None
        return found


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(MemoryKeyStore(), capsys)
    monkeypatch.setattr(keys, "open_storage_keys", shell.open)
    monkeypatch.setenv("EXPORT_STORAGE", "environment")
    return shell


def _lifetime(key: ApiKey) -> timedelta | None:
    return key.expires - key.created if key.expires else None


def test_a_new_key_is_printed_alone_and_may_read_and_write_exports_of_its_tenants(shell: Shell) -> None:
    key = shell.created("--tenant", "b", "--tenant", "a")
    assert (key.name, key.tenants, key.scopes) == ("n", ("a", "b"), ("exports:read", "exports:write"))
    assert (key.expires, key.revoked, key.last_used) == (None, None, None)
    assert abs(key.created - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_key_has_only_the_requested_scopes(shell: Shell) -> None:
    assert shell.created("--scope", "mappings:write", "--scope", "exports:read").scopes == (
        "mappings:write",
        "exports:read",
    )


@pytest.mark.parametrize(
    ("text", "lifetime"), [("90d", timedelta(days=90)), ("12h", timedelta(hours=12)), ("1m", timedelta(minutes=1))]
)
def test_a_key_expires_after_the_given_duration(shell: Shell, text: str, lifetime: timedelta) -> None:
    assert _lifetime(shell.created("--expires", text)) == lifetime


def test_a_key_that_expires_on_a_date_expires_as_that_day_begins(shell: Shell) -> None:
    assert shell.created("--expires", "2999-01-31").expires == datetime(2999, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--name", "n", "--tenant", "a", "--scope", "all"], f"no scope 'all'; the scopes are {', '.join(ALL_SCOPES)}"),
        (["--name", "n", "--tenant", "a/b"], "'a/b' is not a valid tenant: use letters, digits"),
        (["--name", "n", "--tenant", ""], "'' is not a valid tenant"),
        (["--name", " ", "--tenant", "a"], "1 to 100 characters"),
        (["--name", "n" * 101, "--tenant", "a"], "1 to 100 characters"),
        (["--name", "n", "--tenant", "a", "--expires", "2020-01-31"], "2020-01-31 is not in the future"),
        (["--name", "n", "--tenant", "a", "--expires", "0d"], "0d is not in the future"),
        (["--name", "n", "--tenant", "a", "--expires", "soon"], "write 90d, 12h or 30m. --expires also takes a date"),
    ],
)
def test_invalid_arguments_are_refused_with_a_hint_and_no_key_is_made(
    shell: Shell, words: list[str], hint: str
) -> None:
    assert hint in shell.refused("create", *words)
    assert shell.store.is_empty()


def test_the_list_shows_state_and_last_use_but_never_a_hash(shell: Shell) -> None:
    keys = [
        a_key("a", "b", name="Acme Ltd", last_used=NOON)[0],
        a_key(scopes=("exports:read",), expires=NOON, created=NOON + timedelta(hours=1))[0],
        a_key(revoked=NOON, created=NOON + timedelta(hours=2))[0],
    ]
    for key in keys:
        shell.store.add(key)
    code, out, _ = shell.run("list")
    head, *rows = out.splitlines()
    assert code == 0
    assert head.split() == ["ID", "NAME", "TENANTS", "SCOPES", "STATE", "CREATED", "EXPIRES", "LAST", "USED"]
    assert [row.split()[0] for row in rows] == [key.id for key in keys]
    assert ["Acme Ltd" in rows[0], "a,b" in rows[0], "  active  " in rows[0]] == [True] * 3
    assert rows[0].split()[-5:] == ["2026-01-31", "12:00", "never", "2026-01-31", "12:00"]
    assert ["expired" in rows[1], "revoked" in rows[2], rows[2].endswith("never")] == [True] * 3
    assert not any(key.hash in out or "sha256" in out for key in keys)


def test_a_name_cannot_make_the_terminal_of_the_operator_obey(shell: Shell) -> None:
    key, _ = a_key("a", name="J\u00fcrgen\x9b2J\x1b[2J\u202e")
    shell.store.add(key)
    shown = shell.run("list")[1] + shell.run("revoke", key.id)[2]
    assert shown.count("J\u00fcrgen?2J?[2J?") == 2
    assert shown.replace("\n", "").isprintable()


def test_an_empty_list_says_how_to_make_a_key(shell: Shell) -> None:
    code, out, err = shell.run("list")
    assert (code, out) == (0, "")
    assert "keys create" in err


def test_a_revoked_key_is_refused_and_keeps_the_time_of_its_first_revocation(shell: Shell) -> None:
    key, text = a_key()
    shell.store.add(key)
    assert shell.run("revoke", key.id)[0] == 0
    (revoked,) = shell.store.list()
    assert KeyRing(shell.store).find(text) is None
    assert shell.run("revoke", key.id)[0] == 0
    assert shell.store.list() == [revoked]


@pytest.mark.parametrize("action", ["revoke", "rotate"])
def test_an_unknown_key_is_named_in_the_error(shell: Shell, action: str) -> None:
    assert "There is no key aaaaaaaaaaaa" in shell.refused(action, "aaaaaaaaaaaa")


def test_rotation_makes_a_key_with_the_same_rights_and_the_old_key_expires(shell: Shell) -> None:
    old = shell.created("--tenant", "b", "--scope", "exports:read")
    code, out, _ = shell.run("rotate", old.id, "--overlap", "2d")
    new = KeyRing(shell.store, run_in_background=lambda _: None).find(out.strip())
    assert code == 0
    assert new is not None
    assert new.id != old.id
    assert (new.name, new.tenants, new.scopes, new.expires) == (old.name, old.tenants, old.scopes, None)
    kept = shell.store.get(old.id)
    assert kept is not None
    assert kept.expires == new.created + timedelta(days=2)
    assert kept.state(new.created) is KeyState.ACTIVE


def test_the_new_key_has_the_lifetime_that_the_old_key_was_given(shell: Shell) -> None:
    old = shell.created("--expires", "3d")
    shell.run("rotate", old.id)
    new = next(key for key in shell.store.list() if key.id != old.id)
    assert _lifetime(new) == timedelta(days=3)


def test_rotation_never_makes_a_key_expire_later(shell: Shell) -> None:
    old = shell.created("--expires", "3d")
    shell.run("rotate", old.id)
    kept = shell.store.get(old.id)
    assert kept is not None
    assert kept.expires == old.expires


@pytest.mark.parametrize("changes", [{"revoked": NOON}, {"expires": NOON}], ids=["revoked", "expired"])
def test_an_expired_or_revoked_key_cannot_be_rotated(shell: Shell, changes: dict[str, datetime]) -> None:
    key, _ = a_key(**changes)
    shell.store.add(key)
    assert "make a new key" in shell.refused("rotate", key.id)
    assert shell.store.list() == [key]


def test_a_rotated_key_is_not_rotated_again_while_its_successor_is_valid(shell: Shell) -> None:
    old = shell.created("--expires", "30d")
    shell.run("rotate", old.id, "--overlap", "1h")
    new = next(key for key in shell.store.list() if key.id != old.id)
    assert f"{new.id} replaces it" in shell.refused("rotate", old.id)
    shell.run("revoke", new.id)
    assert shell.run("rotate", old.id)[0] == 0
    assert [_lifetime(key) for key in shell.store.list() if key.id != old.id] == [timedelta(days=30)] * 2


def test_a_rotation_that_fails_makes_no_key(shell: Shell) -> None:
    old = shell.created()

    def fail() -> NoReturn:
        raise KeysUnavailableError("It did not answer.")

    shell.store.before_write = fail
    code, out, err = shell.run("rotate", old.id)
    assert (code, out, "It did not answer." in err) == (1, "", True)
    assert shell.store.list() == [old]


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (
            KeysUnavailableError("Table Storage did not answer."),
            "not answer. Check that EXPORT_STORAGE or --storage",
        ),
        (
            NOBODY_SIGNED_IN,
            "Sign in with `az login` as a user who has the role Storage Table Data Contributor (for files also",
        ),
        (
            REFUSED,
            "Check the key in EXPORT_STORAGE or --storage; if it only names the account, sign in with `az login`",
        ),
    ],
    ids=["no answer", "nobody signed in", "refused"],
)
def test_a_storage_error_is_reported_with_a_hint_but_without_the_address(
    shell: Shell, error: Exception, hint: str
) -> None:
    def fail() -> NoReturn:
        raise error

    shell.store.before_ask = fail
    refusal = shell.refused("list")
    assert hint in refusal
    assert "this service" not in refusal
    assert "secret.host.example" not in refusal


def test_the_storage_option_overrides_the_environment(shell: Shell) -> None:
    shell.run("list")
    assert shell.opened == "environment"
    shell.run("list", "--storage", "other")
    assert shell.opened == "other"


@pytest.mark.parametrize(("storage", "hint"), [("", "set EXPORT_STORAGE"), ("s3cret=1", "neither a connection string")])
def test_an_invalid_storage_setting_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], storage: str, hint: str
) -> None:
    monkeypatch.setenv("EXPORT_STORAGE", storage)
    assert program.main(["keys", "list"]) == 1
    message = capsys.readouterr().err
    assert hint in message
    assert "s3cret" not in message
