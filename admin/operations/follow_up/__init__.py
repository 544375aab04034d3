"""What an operator makes of the people behind a campaign's figure: a campaign, a segment, a list."""
