"""Pages about money besides the balance: a month's statement, and the comparison with Meta's own books."""
