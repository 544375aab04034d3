"""The word that this process is to stop: set by the signal, read by whatever runs long."""

import threading

STOPPING = threading.Event()
"""Once set it stays set. A lane that sees it begins no further request, drains what is under way and returns."""
