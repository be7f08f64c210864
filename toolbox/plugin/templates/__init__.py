"""One runnable part per kind, from which `tools/plugins.py new` makes a new plugin. Read as text, never imported."""
