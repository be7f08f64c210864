"""Cleaning a data set: what its files are, which of them show the same, which do not belong, and what is decided."""
