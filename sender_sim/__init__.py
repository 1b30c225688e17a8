"""A simulator of Kaisa, the sender of the webhooks."""
