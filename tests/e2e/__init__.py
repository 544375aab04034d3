"""The whole product, in processes of its own, and what dies in them."""
