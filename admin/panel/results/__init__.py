"""Pages of results: trends across campaigns, campaigns side by side, one campaign's curve."""
