"""Commands of `python -m exports`; each has `add_arguments(parser)` and `run(arguments) -> exit code`."""
