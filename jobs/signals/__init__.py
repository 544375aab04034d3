"""Counting campaigns for their signals, and learning what is usual."""
