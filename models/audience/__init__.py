"""Decides who gets a campaign, and why the others do not: the audience, eligibility, the reach estimate."""
