"""What messages cost: amounts, rate cards, estimate, charges, the balance."""
