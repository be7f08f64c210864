"""Pieces of networks that several plugins need, and pretrained weights."""
