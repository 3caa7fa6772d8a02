"""The network library: bytes and connections, no chat. Usable on its own; see README.md.

It imports the standard library, and uvloop where that is installed.
"""
