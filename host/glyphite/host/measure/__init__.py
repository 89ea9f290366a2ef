"""Comparisons and measurements of runners: accuracy, bytes, time and memory."""
