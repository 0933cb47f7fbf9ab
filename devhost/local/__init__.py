"""What the commands of dev.py are made of: setting up, starting and surely ending programs on this machine."""
