"""The commands of `python -m exports`.

Each command is a module with `add_arguments(parser)` and `run(arguments) -> exit code`. `run` raises a `CommandError`
for a problem that the user can solve.
"""
