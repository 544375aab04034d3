"""What an operator can do with templates: write, submit, edit, duplicate, delete, unpause, take from Meta's library."""
