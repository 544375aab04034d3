"""Orders: reading a row, storing it, adding it up. For segments and variables alone."""
