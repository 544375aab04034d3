"""What is true and what is allowed: tables, transitions, audiences, eligibility, locks, counts."""
