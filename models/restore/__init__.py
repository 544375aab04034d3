"""A database older than the world: recognised by its epoch, held, settled and released by operators."""
