"""What the kernel knows of a server: its calls, its threads, and each of its connections.

Probes (eBPF, from `probes/`) where they may be attached; what any process may ask (`sock_diag`, `/proc`)
everywhere. It knows bytes, sockets and times: who is behind a connection, `hubbub.server` knows.
"""
