"""Applying what comes in: types, dead letters, parked statuses, the shop."""
