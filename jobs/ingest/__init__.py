"""The consumer of the event stream, batches, dead letters and their replay."""
