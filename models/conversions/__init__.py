"""Attributes orders to the messages of campaigns: goals, revenue less refunds, and why an order belongs to which campaign.

Everything is derived from orders, refunds, recipients and clicks, and can be made again at any time (models.conversions.derive).
"""
