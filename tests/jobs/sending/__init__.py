"""Tests of jobs/sending/."""
