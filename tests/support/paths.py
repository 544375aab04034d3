"""Where the repository keeps what tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WEBHOOKS = ROOT / "tests" / "data" / "webhooks"
EXAMPLES = ROOT / "docs" / "examples"
