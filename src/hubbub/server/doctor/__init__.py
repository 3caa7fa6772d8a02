"""`hubbub doctor`: what stands in a deployment's way, each with what was found and what to do about it.

`examination.py` has the table of checks and runs them; a module for each group of them looks at the system,
the data directory, and the server by the URL that people use. It changes nothing, and logs in nowhere.
"""
