"""The one style sheet of the drawn messages, served by the panel and by the sandbox."""

from pathlib import Path

DIRECTORY = Path(__file__).with_name("static")
NAME = "preview.css"
