"""The MariaDB server of the tests: it requires its password, and leaves nothing behind."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest
from sqlalchemy import make_url

from devhost.local.checks import under_ci
from devhost.local.ports import is_free
from tests.support.mariadb import HOW_TO_INSTALL, find_program, mariadb_server


def test_the_server_requires_a_password_and_removes_its_data() -> None:
    if find_program("mariadbd") is None and not under_ci():
        pytest.skip(HOW_TO_INSTALL)
    with mariadb_server() as address:
        url = make_url(address)
        where: dict[str, Any] = {"host": "127.0.0.1", "port": url.port, "database": "clients"}
        with pytest.raises(pymysql.OperationalError, match="Access denied"):
            pymysql.connect(user="tester", password="wrong", **where)
        with closing(pymysql.connect(user="tester", password=str(url.password), **where)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT @@datadir, lower('ZOË')")
            data, name = cursor.fetchone() or ("", "")

    assert name == "zoë"
    assert not Path(str(data)).parent.exists()
    assert is_free(url.port or 0)
