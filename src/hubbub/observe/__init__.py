"""What the server tells its operator: structured logs.

It looks at the core's types; the core never looks back. What people say, and their secrets, stay out of it.
"""
