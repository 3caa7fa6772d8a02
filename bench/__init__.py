"""The bench: a load generator in C, the peers, the scenarios, and what becomes of their figures.

It knows Hubbub as its users do, by its command line and its wire; it imports nothing of it.
"""
