"""資料の状態: what was accepted stays accepted, whoever writes; its lines stand in the books."""

from __future__ import annotations

import pytest
from debit_town import DebitTown
from sqlalchemy.exc import DatabaseError


@pytest.mark.parametrize("status", ["refused", "quarantined", "received"])
def test_the_database_itself_lets_no_accepted_file_become_anything_else(database_url, status):
    town = DebitTown(database_url)
    town.settle(1)
    ((_, request),) = town.whole_way().values()
    town.results(request, "0")
    with pytest.raises(DatabaseError, match="source_file: accepted"):
        town.run_sql(
            "UPDATE source_file SET status = :status WHERE municipality_code = :m", status=status
        )
    # Its name, or its status as it is, is another matter.
    town.run_sql(
        "UPDATE source_file SET status = 'accepted', name = 'x' WHERE municipality_code = :m"
    )
    (row,) = town.rows("SELECT status, name FROM source_file WHERE municipality_code = :m")
    assert tuple(row) == ("accepted", "x")
    town.close()
