"""From delivered files to canonical events and reference rows."""
