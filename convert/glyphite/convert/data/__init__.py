"""Data sets, and the sources that they are fetched from."""
