"""The pages that the server hands out, as files.

They load nothing from elsewhere, and keep to the Content-Security-Policy of `web.py`.
"""
