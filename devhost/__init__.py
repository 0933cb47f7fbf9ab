"""A small stand-in for the Azure Functions host: one host process, SQLite, and N Python worker processes."""
