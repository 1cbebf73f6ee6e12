"""Events that were set aside are found without a look at those that wait."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    set_aside = sa.text("rejected_reason IS NOT NULL")
    op.create_index(
        "outbox_rejected_idx", "outbox", ["sequence"], sqlite_where=set_aside, postgresql_where=set_aside
    )
