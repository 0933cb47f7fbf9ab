"""The building blocks of dev.py: sets up, starts and reliably stops programs on this machine. Standard library only."""
