"""Sample clients: invented, realistic, any number of them, the same ones every time."""
