"""What is made of the people behind a campaign's figure: lists that are filled with them."""
