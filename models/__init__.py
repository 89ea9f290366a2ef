"""Trained models, shipped as data: one folder each. No Python in here."""
