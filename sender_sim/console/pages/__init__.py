"""The pages, one blueprint a module."""
