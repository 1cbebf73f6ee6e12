"""The benchmarks: each area measures what the product runs against the plain way to do the same.

An area is one module with ``rows(rounds)``; ``table`` knows what a row is, prints it and writes
``results.json``. Compared programs take turns within one run on one machine, so a ratio means something where
a rate alone does not.
"""
