"""Faces: what HTTP serves besides files. The web client, the API, what operators and their tools ask for.

The connection and its requests are in the folder above; what may be asked is decided in `core`.
"""
