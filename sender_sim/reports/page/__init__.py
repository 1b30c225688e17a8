"""A run as one HTML page: what broke the contract, its figures, a picture of its schedule, its deliveries."""

from sender_sim.reports.page.render import Page, settings_facts

__all__ = ["Page", "settings_facts"]
