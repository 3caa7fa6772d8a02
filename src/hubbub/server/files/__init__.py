"""Files: their bytes on their way, between connections, the disk and HTTP; what is kept, and for how long.

Who may send what to whom is decided in `core`. Connections and HTTP requests come in from the folder above.
"""
