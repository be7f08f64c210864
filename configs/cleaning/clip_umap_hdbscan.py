# What images show (CLIP), drawn as a map (UMAP), in clusters (HDBSCAN): the published solution's way to clean its data.
_base_ = ['../_base_/cleaning.py']

embedder = dict(type='CLIP', model='ViT-B-32', pretrained='laion2b_s34b_b79k')
