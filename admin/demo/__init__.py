"""Runs `flask demo`: a whole campaign on this machine against the simulated Meta."""
