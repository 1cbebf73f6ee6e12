"""The audit trail: every event once, in chains that show whether anyone touched them.

``chain`` says what a line is, ``follower`` whether lines follow from each other, ``window`` which ids were
seen of late, ``group`` what is written at once, ``retention`` what may go; these are pure. On a volume,
``files`` names the files, ``segment`` writes one, ``tail`` finds where the last writer stopped, ``opening``
heals what it left, ``index`` keeps the ids of closed segments, ``upkeep`` makes them small or deletes them,
and ``log`` is the whole.
``postgres`` keeps the same lines as ``rows`` of a database, and ``removal`` deletes old ones. ``verify`` and
``query`` read a log, ``database`` one in a database; ``commands`` lets people ask them, and ``proof`` is the
worker asking itself.
"""

COMMANDS = ("verify", "query", "remove")
"""What `audit` answers beside being a worker."""
