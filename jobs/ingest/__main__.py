"""`python -m jobs.ingest`."""

from jobs.ingest.consumer import main

main()
