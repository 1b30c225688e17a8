"""A run as one HTML page: what broke the contract, its figures, a picture of its schedule, its deliveries."""

from sender_sim.reports.page.facts import fault_words, request_facts, settings_facts
from sender_sim.reports.page.render import Page

__all__ = ["Page", "fault_words", "request_facts", "settings_facts"]
