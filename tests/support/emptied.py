"""空の市: the database of a test without its rows, many times faster than a new one."""

from __future__ import annotations

from sqlalchemy import create_engine, text


def emptied(url: str) -> str:
    """``url``, emptied: the guards stand aside for the owner of the test database."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        tables = connection.execute(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
                "AND tablename <> 'alembic_version'"
            )
        ).scalars()
        names = list(tables)
        for action in ("DISABLE", "ENABLE"):
            for name in names:
                connection.execute(text(f'ALTER TABLE "{name}" {action} TRIGGER USER'))
            if action == "DISABLE":
                joined = ", ".join(f'"{name}"' for name in names)
                connection.execute(text(f"TRUNCATE {joined} CASCADE"))
    engine.dispose()
    return url
