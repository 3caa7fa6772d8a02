"""The client library: dial a server, log in, resume, send and receive files.

It stands on `net`, `wire` and the types of `core`, and must not know the service, the server, or a terminal.
"""
