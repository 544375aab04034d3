"""Stores and decides: tables, transitions, audiences, eligibility, locks, counts. Knows nothing of Flask, Redis or HTTP."""
