"""The demo: a city that is the same every time, sign-ins for it, and an opening rush. Always marked as demo."""
