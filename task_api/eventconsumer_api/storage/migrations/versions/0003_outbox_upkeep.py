"""PostgreSQL tidies the outbox by what was deleted from it, not by how large it once was.

Every row leaves soon after it came. By the defaults, an outage that left a million rows here would let two
hundred thousand dead ones gather from then on, and each look of the relay would pass over them.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tell autovacuum; SQLite uses the place of deleted rows again by itself."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, "
            "autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0)"
        )
