"""The dialects: one file each, frame → Command and Event → bytes.

Pure functions over payloads. Knows the types of `core` and the shape of a frame, and no socket.
"""
