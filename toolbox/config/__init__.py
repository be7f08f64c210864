"""Configs: loading, options of the command line, the keys there are, and what differs between two."""
