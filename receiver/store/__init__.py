"""Durable deliveries and refusals, on SQLite and PostgreSQL alike. `inbox` is the door; the rest is behind it."""
