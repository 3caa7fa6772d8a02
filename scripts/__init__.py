"""What builds, generates and draws: called by hand, by `run.py` and by the build hook. Not in the package."""
