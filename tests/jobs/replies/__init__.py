"""Tests of jobs/replies/."""
