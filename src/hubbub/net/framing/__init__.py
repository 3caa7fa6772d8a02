"""How bytes become frames: lines, length-prefixed blocks, WebSocket (RFC 6455).

Sans-I/O: nothing here touches a socket, a clock or a loop.
"""
