# How a data set is looked through, whatever its images are embedded with.
reducer = dict(type='UMAP', n_components=2, n_neighbors=15, min_dist=0.0)
detector = dict(type='HDBSCAN')
files = dict(min_side=64, drop=['gray', 'tiny', 'animated'])
duplicates = dict(max_bits=7, max_distance=0.5)
fit_limit = 50000
stability_seeds = 5
workers = 'auto'
seed = 42
custom_imports = []
