"""Files in turns: upload store, reader, staging, run, rejects."""
