"""Runs the command line: `python -m client_export`."""

from client_export.cli.main import main

if __name__ == "__main__":
    main()
