"""Fills lists with people of campaigns, in slices."""
