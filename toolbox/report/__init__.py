"""Reports that people read: self-contained HTML pages, and what the installation is.

`page`, `charts`, `images` and `statistics` are pieces for any page; `score`, `cleaning` and `ablation` are pages.
"""
