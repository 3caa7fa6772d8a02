"""The server: where all stages meet (`session.py`), and what stands around them.

`compose.py` builds the object graph; nothing else does. It may use everything, and nobody uses it but `cli`.
"""
