"""Everything swappable: one part, one file, in the folder of its kind."""
