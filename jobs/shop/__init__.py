"""What Hark asks a shop and tells it: customers one by one, the daily look, opt-outs."""
