"""The inspector at `/inspect`: what arrived, what became of it, and why. Imported only where a password opens it."""
