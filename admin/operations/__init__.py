"""What an operator can do, one function an operation: check, write, audit. Panel and commands only call these."""
