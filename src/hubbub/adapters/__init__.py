"""One file per implementation of a port of `core.ports`.

Each knows the port and the one engine it adapts, and nothing else.
"""
