"""行単位の保護: PostgreSQL's row-level security, the second wall between municipalities (R11).

The first wall is that every statement names its municipality. Behind it the database shows and
takes only rows of the municipality that the transaction has entered
(:func:`payments.store.unit_of_work.enter_municipality`). A transaction that has entered none sees
nothing. Only the owner of the tables may enter all of them (:data:`EVERY`): for migrations and
backups, and inside the two functions that answer for everybody what anybody may know.
"""

from __future__ import annotations

EVERY = "*"  # no code of a municipality: these are digits
