"""Who gets a campaign, and why the others do not."""
