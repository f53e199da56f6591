"""How the console is reached: its pages and their sign-in."""
