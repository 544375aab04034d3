"""What an operator reads about signals, in the panel and on the command line."""
