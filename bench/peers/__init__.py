"""The peers: for each library the chat server that its competent user would write, and nothing more.

All speak the same JSON: `{"action":"join","room"}` is answered by `{"event":"joined","room"}`, and
`{"action":"publish","room","content"}` becomes `{"event":"message","room","content"}` at every member of
the room, encoded once a message. Each is started as `<file> PORT` and knows nothing of Hubbub or the bench.
"""
