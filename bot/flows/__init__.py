"""Bot flows: file format, validation, the pure engine."""
