"""The operator's pages: plans, a day's sessions, the rush as it happens, people, and the settings of the rules."""
