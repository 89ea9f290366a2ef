"""Runners held against each other: accuracy, bytes, time and memory."""
