"""Tests: real Redis, real databases, a simulated Meta over real HTTP."""
