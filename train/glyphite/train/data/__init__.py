"""Data sets, and where they are fetched from."""
