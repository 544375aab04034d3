"""A campaign from preflight to export: launch, pause, end, outcome, numbers."""
