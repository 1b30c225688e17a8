"""The commands of `sender-sim`, one a module."""
