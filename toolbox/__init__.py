"""Huefill: restore damaged gray photographs, and find out by experiment which parts do that best."""

__version__ = '0.1.0'
