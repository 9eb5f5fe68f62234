# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test secrets: no planted secret survives, in every form that Odoo accepts."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system.redact import (
    HIDDEN,
    holds_secret,
    leak,
    redact_argv,
    redact_environ,
    redact_text,
    redact_unit,
    secrets_of_argv,
)
from hypothesis import example, given
from hypothesis import strategies as st

#: What no output may contain. No part of a text around it has these letters.
SECRET = "Q7zX9w"

#: A typical secret: with characters that have a meaning for some parser.
PLAIN = st.text(st.sampled_from("abc0123.-_!$%^*+~"), max_size=6)
NASTY = st.text(st.sampled_from("abc ,;:&'\"()/@=#\\"), max_size=6)


def prefixes(option: str, shortest: str) -> list[str]:
    """Every beginning of a long option that optparse takes for it."""
    return [option[:length] for length in range(len(shortest), len(option) + 1)]


LONG = st.sampled_from(
    prefixes("--db_password", "--db_pa")
    + prefixes("--smtp-password", "--smtp-pa")
    + ["--password", "--admin-passwd", "--db-password", "--access-token", "--client-secret"]
)


@given(LONG, NASTY, NASTY)
def test_a_long_option_in_one_word(option: str, before: str, after: str) -> None:
    shown = redact_argv(["python3", "odoo-bin", f"{option}={before}{SECRET}{after}", "-d", "prod"])
    assert SECRET not in " ".join(shown)
    assert shown[-2:] == ["-d", "prod"]
    assert shown[2] == f"{option}={HIDDEN}"


@given(LONG, NASTY, NASTY)
def test_a_long_option_in_two_words(option: str, before: str, after: str) -> None:
    shown = redact_argv(["python3", "odoo-bin", option, before + SECRET + after, "-d", "prod"])
    assert shown == ["python3", "odoo-bin", option, HIDDEN, "-d", "prod"]


@given(NASTY, NASTY)
@example("", "")
@example("=", "")
def test_the_short_option(before: str, after: str) -> None:
    assert SECRET not in " ".join(redact_argv(["python3", "odoo-bin", f"-w{before}{SECRET}{after}"]))
    assert redact_argv(["-w", before + SECRET + after, "-p", "8069"]) == ["-w", HIDDEN, "-p", "8069"]


@pytest.mark.parametrize("argv", [["-sw" + SECRET], ["-sw", SECRET]])
def test_the_short_option_behind_a_short_flag(argv: list[str]) -> None:
    assert SECRET not in " ".join(redact_argv(["python3", "odoo-bin", *argv]))


@pytest.mark.parametrize("option", ["--pas", "--pass", "--pa"])
def test_the_password_of_a_subcommand(option: str) -> None:
    assert SECRET not in " ".join(redact_argv(["python3", "odoo-bin", "deploy", "m", "http://x", option, SECRET]))


@given(st.lists(st.sampled_from(["-d", "prod", "-c", "/etc/odoo.conf", "--workers=4", "--log-level", "info", "-u"])))
def test_words_that_are_not_secrets_are_shown(argv: list[str]) -> None:
    assert redact_argv(argv) == argv


@given(st.lists(st.text(max_size=12)))
def test_no_argv_raises(argv: list[str]) -> None:
    assert len(redact_argv(argv)) == len(argv)


KEYS = st.sampled_from(
    [
        "password",
        "passwd",
        "db_password",
        "admin_passwd",
        "smtp_password",
        "passphrase",
        "PGPASSWORD",
        "secret",
        "client_secret",
        "token",
        "access_token",
        "api_key",
        "api-key",
        "apikey",
        "private_key",
        "session_id",
    ]
)
FORMS = st.sampled_from(
    [
        "{key}={secret}",
        "{key} = {secret}",
        "{key}: {secret}",
        "'{key}': '{secret}'",
        '"{key}": "{secret}"',
        "{key}='{secret}'",
        '{{"a": 1, "{key}": "{secret}", "b": 2}}',
        "dsn host=db {key}={secret} user=odoo",
        "GET /web?{key}={secret}&debug=1 HTTP/1.1",
        "ValueError: option {key}={secret}, that is wrong",
    ]
)


@given(KEYS, FORMS, PLAIN, PLAIN)
def test_an_assignment_in_a_text(key: str, form: str, before: str, after: str) -> None:
    text = form.format(key=key, secret=before + SECRET + after)
    assert SECRET not in redact_text(text)
    assert SECRET not in redact_text(text.upper() if key.upper() in text else text)


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"Authorization: Basic {SECRET}",
        f"Cookie: session_id={SECRET}; frontend_lang=en_US",
        f"postgresql://odoo:{SECRET}@db:5432/prod",
        f"postgresql://:{SECRET}@db",
        f"amqp+ssl://u:x{SECRET}x@h/v",
        f"connection to postgres://o:{SECRET}@a failed, postgres://o:{SECRET}@b too",
        f"db_password = '{SECRET} with blanks'",
        f'db_password = "a, {SECRET}"',
    ],
)
def test_other_places_of_secrets(text: str) -> None:
    assert SECRET not in redact_text(text)
    assert HIDDEN in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        f"db_password = ab,{SECRET}",
        f"db_password = ab;{SECRET}",
        f"db_password = ab'{SECRET}",
        f"db_password = ab){SECRET}",
        f"db_password = ,{SECRET}",
        f"db_password = '{SECRET}",
        f"db_password = ab {SECRET}",
        f'{{"password": "a\\"{SECRET}"}}',
        f"postgres://odoo:a@{SECRET}@db/prod",
        f"postgres://odoo:a/{SECRET}@db/prod",
        f"Source contains parsing errors: 'odoo.conf' [line 3]: 'db_password {SECRET}\\n'",
        f"db_pass={SECRET}",
        f"pwd={SECRET}",
        f"token.py:17: password={SECRET}",
        f"secrets.conf: db_password = {SECRET}",
    ],
)
def test_secrets_with_characters_that_mean_something(text: str) -> None:
    assert SECRET not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24 05:00:00,123 472 INFO prod odoo.modules.loading: 42 modules loaded in 1.20s",
        "Odoo version 19.0",
        "Worker (46) exiting. request_count: 48, registry count: 1.",
        'FATAL: password authentication failed for user "odoo"',
        "http://db:5432/path",
        "a changed file does not compile: '(' was never closed (/opt/addons/auth/models/password.py:17). Fix the file.",
        "/etc/odoo/secret.conf: Odoo would not start with the value of workers",
        "/opt/addons/api_key/token.xml:3: unexpected end",
    ],
)
def test_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


@given(st.text())
def test_it_is_done_after_one_pass(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


@pytest.mark.parametrize(
    "text",
    [
        f"password2={SECRET}",
        f"passwordOld: {SECRET}",
        f'"secretKey": "{SECRET}"',
        f"tokenValue={SECRET}",
        f"https://{SECRET}@github.com/x",
        "postgres://u:" + "x" * 400 + f"{SECRET}@h",
        f"'smtp-password {SECRET}'",
        f"'db_password\\t{SECRET}'",
    ],
)
def test_secrets_behind_other_names(text: str) -> None:
    assert SECRET not in redact_text(text)


@pytest.mark.parametrize("name", ["X-Openerp-Session-Id", "session-id", "sessionid", "pw", "PW"])
@pytest.mark.parametrize("sign", [": ", "=", " = "])
def test_names_of_sessions_and_short_ones(name: str, sign: str) -> None:
    assert redact_text(f"{name}{sign}{SECRET}") == f"{name}{sign}{HIDDEN}"
    assert redact_text(f"pwned{sign}by nobody") == f"pwned{sign}by nobody"


@pytest.mark.parametrize(
    "text",
    [
        f"ExecStart=/usr/bin/odoo --db_password {SECRET} -d prod",
        f"sh -c odoo --db_pass {SECRET}",
        f"GET /web/content/1?code={SECRET}&state=x HTTP/1.1",
        f"GET /x?X-Amz-Signature={SECRET}",
        f"upstream said: Bearer {SECRET}{'x' * 20}",
        f"the token was eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{SECRET}",
        f"pushed by ghp_{SECRET}{'a' * 20}",
        f"-----BEGIN RSA PRIVATE KEY-----\nMIIE{SECRET}\nabcd\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\nMIIE{SECRET}\n",
    ],
)
def test_secrets_that_only_their_look_tells(text: str) -> None:
    assert leak(text)
    assert SECRET not in redact_text(text)
    assert leak(redact_text(text)) is None


@given(st.text(max_size=200))
def test_no_unit_raises(text: str) -> None:
    redact_unit(text)


def test_an_environment_shows_what_is_harmless_only() -> None:
    environ = {
        "PATH": "/bin",
        "PGPASSWORD": SECRET,
        "SENTRY": SECRET,
        "LC_ALL": "C",
        "PGDATABASE": f"postgres://a:{SECRET}@b/c",
    }
    shown = redact_environ(environ)
    assert shown == [
        "LC_ALL=C",
        "PATH=/bin",
        f"PGDATABASE=postgres://{HIDDEN}@b/c",
        f"PGPASSWORD={HIDDEN}",
        f"SENTRY={HIDDEN}",
    ]


def test_a_unit() -> None:
    unit = f"""[Service]
# the password is {SECRET}
Environment=PGPASSWORD={SECRET} LANG=C "OTHER={SECRET} and more"
Environment={SECRET}
SetCredential=x:{SECRET}
ExecStart=/usr/bin/odoo -c /etc/odoo.conf \\
    -w {SECRET} \\
    --db_password={SECRET}
ExecStartPre=/bin/sh -c 'odoo --smtp-password "{SECRET}"'
Restart=always
"""
    shown = redact_unit(unit)
    assert SECRET not in shown
    assert "LANG=C" in shown
    assert "Restart=always" in shown
    assert "/usr/bin/odoo -c /etc/odoo.conf -w ********" in shown


def test_what_was_hidden_of_arguments_is_known() -> None:
    argv = ["odoo", "--db_password", "one", "-wtwo", "--smtp-password=three", "-w", "four", "-d", "prod"]
    assert secrets_of_argv(argv) == ["one", "two", "three", "four"]


@pytest.mark.parametrize("name", ["PWD", "OLDPWD", "PGPASSFILE", "TOKEN_DIR", "PASSWORD_STORE_DIR", "DB_PASSWORD_FILE"])
def test_a_path_to_a_secret_is_not_a_secret(name: str) -> None:
    assert not holds_secret(name, "/run/secrets/x")
    assert redact_environ({name: "/run/secrets/x"}) == [f"{name}=/run/secrets/x"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("PGPASSWORD", "/x"), ("TOKEN_DIR", SECRET), ("MYPWD", "/x"), ("API_TOKEN", SECRET), ("secret_path", SECRET)],
)
def test_what_is_called_so_is_a_secret(name: str, value: str) -> None:
    assert holds_secret(name, value)
    assert redact_environ({name: value}) == [f"{name}={HIDDEN}"]
