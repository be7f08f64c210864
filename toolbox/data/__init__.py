"""Photographs: sources, folds, transforms, datasets, loaders, and random draws."""
