"""What money was and will be spent on: the price of a bot flow, expected answers, a month's statement, Meta's own books."""
