"""Prices messages: amounts, rate cards, estimates, charges, the balance."""
