"""Makes the signed file about one person and one campaign, and checks such files."""
