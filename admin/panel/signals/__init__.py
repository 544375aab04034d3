"""Pages of signals: the evidence behind those of a campaign, and the table of rules."""
