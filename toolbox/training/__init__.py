"""Training and validation of a model: from a config to checkpoints, and what a run folder keeps."""
