"""Runs the processes of `flask up`, and serves health checks and metrics."""
