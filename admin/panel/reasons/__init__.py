"""Why messages fail, are left out or wait: one list of plain words with what to do, and its search."""
