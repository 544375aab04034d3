"""What happens later or in bulk."""
