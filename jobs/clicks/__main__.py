"""`python -m jobs.clicks`."""

from jobs.clicks.consumer import main

main()
