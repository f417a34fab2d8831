"""How the system is run: on one machine (stack, processes), and on official images (Dockerfile)."""
