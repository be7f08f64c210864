# Colors, edges and texture in place of a network: no weights, no download.
_base_ = ['../_base_/cleaning.py']

embedder = dict(type='ColorTexture')
