"""Campaigns from preflight to export: launch, pause, end, outcome and statistics."""
