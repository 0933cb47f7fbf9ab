"""HTTP triggers: the listener and the routes of the app."""
