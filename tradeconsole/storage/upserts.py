"""One statement shape for all tables whose newest record wins."""

from collections.abc import Mapping, Sequence


def upsert(
    table: str, key: Sequence[str], values: Sequence[str], special: Mapping[str, str] | None = None
) -> str:
    """SQL that writes a row unless a newer one is there.

    Arguments of the statement are the columns of `key`, then those of `values`, then the stamp. `special` has, by column,
    the SQL of what stays where the newer row does not simply win.
    """
    news = special or {}
    columns = [*key, *values, "stamp"]
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    changes = ", ".join(
        f"{column} = {news.get(column, f'excluded.{column}')}" for column in [*values, "stamp"]
    )
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) "  # noqa: S608 -- names from our own code
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes} WHERE {table}.stamp <= excluded.stamp"
    )
