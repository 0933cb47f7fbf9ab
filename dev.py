#!/usr/bin/env python3
"""Sets up, runs and tests client-export on this machine: `python3 dev.py --help`. The commands are in dev_commands.py.

Every Python, even 2.7, must be able to read this file, so that an unsupported one is refused in plain words.
"""

import sys

from devhost.local.python_version import require_python

if __name__ == "__main__":
    require_python()

    from dev_commands import main

    sys.exit(main(sys.argv[1:]))
