"""The domain: who is there, which rooms there are, what is said, and in which order.

Commands come in, answers and events go out. No I/O, no clock of its own, no asyncio, no bytes.
"""
