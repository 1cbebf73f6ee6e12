"""The audit trail: every event once, in chains that show whether anyone touched them.

``chain`` says what a line is and how lines hang together, ``window`` which ids were seen of late, ``group``
what is written at once; these are pure. ``files`` names the files of a log on disk, ``segment`` writes one
of them, ``tail`` finds where the last writer stopped, ``opening`` heals what it left, ``index`` keeps the
ids of closed segments, ``compression`` makes them small, and ``log`` is the whole. ``verify`` and ``query``
read it.
"""
