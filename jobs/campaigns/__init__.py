"""Start, launch, monitor, hold and resume campaigns."""
