"""The dashboard in a browser: one attached dashboard per tab, behind a key."""
