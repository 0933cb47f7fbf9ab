"""The programs that a user could write instead of calling this service. Each runs in a process of its own."""
