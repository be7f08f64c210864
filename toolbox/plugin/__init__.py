"""What a plugin is: the contract of each kind, registries, discovery, checks, templates, and managing them."""
