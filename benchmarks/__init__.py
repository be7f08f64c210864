"""Measurements of speed, one module per subcommand of `tools/benchmark.py`."""
