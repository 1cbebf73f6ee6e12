"""Alembic's environment: the steps that lead any earlier database to `tables`."""
