"""A simulated Meta over real HTTP: sends, templates, media, numbers, signed webhooks and the people who answer.

It knows nothing of the rest of the product and nothing of the product imports it: it reads Meta's interface on its
own, so that the two readings check each other. It binds loopback only and posts webhooks to loopback only.

``python -m bot.sandbox --help`` starts it alone, ``bot.sandbox.server.start_in_thread`` starts it inside a test.
"""
