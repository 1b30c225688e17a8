"""Background handlers at work, on DBOS; imported only where there are some (docs/background.md)."""
