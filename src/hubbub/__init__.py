"""Hubbub: a place where people talk, behind one port."""

__version__ = "0.1.0"
