"""A small stand-in for the Azure Functions host: one host process, one SQLite file, and N Python worker processes."""
