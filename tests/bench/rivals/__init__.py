"""What a user would pick instead, each a program of its own."""
