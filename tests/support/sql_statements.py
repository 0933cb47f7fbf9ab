"""Changes a database of a test by plain statements."""

from __future__ import annotations

from sqlalchemy import URL, create_engine


def run_statements(url: URL, *statements: str) -> None:
    """Run each statement in a transaction of its own."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
