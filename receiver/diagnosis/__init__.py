"""Why a captured request is refused, and what would make its signature verify. Accepts nothing."""
