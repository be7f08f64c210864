"""Ablations: arms, trials, the workers that run them, and what their results say together."""
