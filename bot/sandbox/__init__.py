"""Simulates Meta over real HTTP: sends, templates, media, numbers, signed webhooks, and people who answer.

It imports nothing of the rest of the product, and nothing of the product imports it: it implements Meta's documentation
independently, so that the two implementations check each other. It listens on loopback and posts webhooks to loopback only.

``python -m bot.sandbox --help`` starts it alone, ``bot.sandbox.server.start_in_thread`` starts it inside a test.
"""
