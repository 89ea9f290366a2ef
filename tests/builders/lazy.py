"""Packages that are slow to import."""

HEAVY = {"tensorflow", "keras"}
LAZY = HEAVY | {"matplotlib", "ai_edge_litert", "tflite_runtime", "tflite_micro", "distributed"}
"""Imported only where they are used."""
