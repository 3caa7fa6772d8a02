"""The desktop window: the web client in a view of its own, and what a browser's tab cannot do.

It knows a server as any browser does, by HTTP, and must not know the server's parts: its own is a process.
"""
