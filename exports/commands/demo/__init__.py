"""The export that `dev.py run` shows. Standard library only, because dev.py imports it before set-up."""
